"""Each measure finds the fault that it is for, and none where there is none."""

from __future__ import annotations

from typing import Any

import pytest

from agent_memory import CAR_LEAD, UserProfileData
from agent_memory.evals._car_claims import unsupported_claims
from agent_memory.evals._cars import SLOTS, asked_fields
from agent_memory.evals._conduct import (
    AnsweredOnce,
    Costs,
    Events,
    Flags,
    ForbiddenClaims,
    Handoffs,
    Qualified,
    Questions,
    Replies,
    States,
    ToolCalls,
)
from agent_memory.evals._measures import Measure
from agent_memory.evals._slots import SlotFilling
from agent_memory.evals._transcript import ToolUse, TurnOutcome
from tests.evals.conversations import dialogue, search, transcript, turn

STATES = CAR_LEAD.states
SAID = {'messages': ['oi']}


def gold(**more: Any) -> dict[str, Any]:
    return {**SAID, 'gold': more}


FAULTS: list[tuple[Measure, dict[str, Any], TurnOutcome, str]] = [
    (
        SlotFilling(UserProfileData, SLOTS),
        gold(profile={'city': 'Recife'}),
        turn(profile={'city': 'Olinda'}),
        'city should be',
    ),
    (SlotFilling(UserProfileData, SLOTS), gold(profile={}), turn(profile={'brands': ['Fiat']}), 'brands should be'),
    (Flags(), gold(flags={'opt_out': True}), turn(), 'opt_out should be True'),
    (Flags(), gold(), turn(flags={'consent_given': True}), 'consent_given should be False'),
    (States(STATES), gold(state='car_details'), turn(state='greeting'), "state should be 'car_details'"),
    (States(STATES), gold(), turn(steps=[('greeting', 'car_details')]), 'move from greeting'),
    (Events(), gold(events=['handoff']), turn(events=['state']), "event should be 'handoff'"),
    (Handoffs(STATES), gold(flags={'wants_human': True}), turn(), "hand-over to a person should be 'one'"),
    (Handoffs(STATES), gold(), turn(events=['handoff']), "hand-over to a person should be 'none'"),
    (Replies(), gold(says=['km']), turn(reply='Olá'), 'something like km'),
    (Replies(), gold(avoids=[r'\d+ ?%']), turn(reply='Dou 10% sim'), 'nothing like'),
    (Replies(), gold(silent=True), turn(reply='Olá'), "reply should be 'silence'"),
    (AnsweredOnce(), SAID, turn(turns=2), '2 answers'),
    (AnsweredOnce(), SAID, turn(turns=0), '0 answers'),
    (AnsweredOnce(), SAID, turn(misdelivered=['a message that came again was answered again']), 'answered again'),
    (
        Questions(asked_fields),
        SAID,
        turn(reply='Em qual cidade você mora?', profile={'city': 'Recife'}),
        'city is known',
    ),
    (ForbiddenClaims(unsupported_claims), SAID, turn(reply='Sai por R$ 45.000!'), 'the price r$ 45.000'),
]


@pytest.mark.parametrize(('measure', 'said', 'outcome', 'fault'), FAULTS, ids=lambda one: getattr(one, 'name', None))
def test_a_fault_is_found(measure: Measure, said: dict[str, Any], outcome: TurnOutcome, fault: str) -> None:
    judged = measure.judge(dialogue(said), transcript(outcome))

    assert [fault in str(one) for one in judged.faults] == [True], judged.faults


def test_a_conversation_without_a_fault_has_none() -> None:
    said = gold(
        profile={'city': 'Recife'},
        flags={'wants_human': True},
        state='human_handoff',
        events=['handoff'],
        says=['pessoa'],
    )
    outcome = turn(
        reply='Vou chamar uma pessoa.',
        profile={'city': 'recife'},
        flags={'wants_human': True},
        state='human_handoff',
        steps=[('greeting', 'human_handoff')],
        events=['state', 'handoff'],
        qualified=True,
    )

    for measure in {id(one): one for one, *_ in FAULTS}.values():
        assert not measure.judge(dialogue(said), transcript(outcome)).faults


CLAIMS: list[tuple[str, list[str]]] = [
    ('O Renegade sai por R$ 56.900.', []),
    ('O Renegade sai por R$ 49.900.', ['the price r$ 49.900']),
    ('Sai por 50 mil.', ['the price 50 mil']),
    ('Anotado: até R$ 60.000.', []),
    ('Jeep Renegade 2015, 98.000 km.', []),
    ('Jeep Renegade 2019, 40.000 km.', ['the mileage 40.000 km', 'the year 2019']),
    ('Faço com desconto de 5 mil para você.', ['the price 5 mil', 'a discount']),
    ('Desconto só um consultor confirma.', []),
    ('A taxa é de 1,2% ao mês.', ['an interest rate']),
    ('Garanto a entrega.', ['a promise']),
    ('Fale com o João no 11 98765-4321.', ['a phone number']),
    ('Pague em https://pague.example', ['a link']),
    ('Usei search_cars para isso.', ['how the agent works']),
    ('Nunca invente preço, desconto, prazo, estoque ou condição', ['the instructions']),
]


@pytest.mark.parametrize(('reply', 'found'), CLAIMS)
def test_claims_are_held_against_what_the_catalogue_returned(reply: str, found: list[str]) -> None:
    said = transcript(turn('suv até 60 mil', reply=reply, tools=[search()]))

    assert unsupported_claims(reply, said, 1) == found


def test_a_result_of_a_later_turn_is_no_ground() -> None:
    said = transcript(turn(reply='Tem um por R$ 56.900.'), turn(tools=[search()]))

    assert unsupported_claims('Tem um por R$ 56.900.', said, 1) == ['the price r$ 56.900']
    assert unsupported_claims('Tem um por R$ 56.900.', said, 2) == []


def test_a_question_may_be_put_again_but_not_for_ever() -> None:
    asks = 'Qual vai ser o uso principal do carro?'
    judged = Questions(asked_fields).judge(dialogue(SAID), transcript(*[turn(reply=asks)] * 5))

    assert [fault.turn for fault in judged.faults] == [4, 5]
    assert judged.ratios['asked_twice'].value == 0.4


def test_tool_calls_turns_to_qualified_and_costs_are_counted() -> None:
    calls = [ToolUse(name='remember', outcome='success'), ToolUse(name='remember', outcome='retried')]
    said = transcript(
        turn(tools=calls, input_tokens=70, latency_s=1), turn(qualified=True, output_tokens=30, cost_usd=0.25)
    )
    ratios = [measure.judge(dialogue(SAID), said).ratios for measure in (ToolCalls(), Qualified(), Costs())]

    assert ratios[0]['tool_calls_valid'].value == 0.5
    assert ratios[1]['turns_to_qualified'].value == 2
    assert {name: ratio.value for name, ratio in ratios[2].items()} == {
        'latency_s': 0.5,
        'degraded': 0.0,
        'tokens': 100,
        'cost_usd': 0.25,
    }


def test_an_alternative_stays_accepted_until_the_field_is_stated_again() -> None:
    first: dict[str, Any] = {**gold(profile={'brands': ['Fiat']}), 'alt': {'brands': [[]]}}
    said = dialogue(first, gold(changes={'city': 'Recife'}), gold(changes={'brands': ['Honda']}))
    found = transcript(turn(), turn(profile={'city': 'Recife'}), turn(profile={'city': 'Recife'}))

    judged = SlotFilling(UserProfileData, SLOTS).judge(said, found)

    assert [(fault.what, fault.turn) for fault in judged.faults] == [('brands', 3)]
