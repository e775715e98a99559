"""The fold of a turn's actions: pure, in order, nothing lost, and what is impossible is said."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent_memory.lead import CAR_LEAD, SessionState, UserProfileData
from agent_memory.profile import Change, Profile
from agent_memory.session import ConversationMessage, Domain, SessionData, StateMachine
from agent_memory.turn import (
    Action,
    ActionList,
    Advance,
    AnswerConsent,
    Ask,
    Folded,
    HandBack,
    HandOver,
    PatchProfile,
    Recommend,
    Restart,
    TurnRecord,
    UserMessage,
    fold,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def patch(field: str, value: str | int | list[str] | None) -> PatchProfile:
    return PatchProfile(changes=[Change(field=field, value=list(value) if isinstance(value, list) else value)])


def opened() -> SessionData[UserProfileData]:
    return CAR_LEAD.open_session('c', at=NOON)


def folded(*actions: Action, session: SessionData[UserProfileData] | None = None) -> Folded[UserProfileData]:
    return fold(session or opened(), actions, CAR_LEAD, message='m1', at=NOON)


def kinds(result: Folded[UserProfileData]) -> list[str]:
    return [event.kind for event in result.events]


def test_parallel_changes_of_one_turn_all_survive() -> None:
    result = folded(
        patch('city', 'Campinas'), patch('state', 'SP'), patch('brands', ['Fiat']), patch('brands', ['Kia'])
    )

    assert result.session.profile.known() == {'city': 'Campinas', 'state': 'SP', 'brands': ['Fiat', 'Kia']}
    assert [fact.field for fact in result.facts] == ['city', 'state', 'brands', 'brands']
    assert {fact.message for fact in result.facts} == {'m1'}


def test_the_last_word_of_a_turn_wins() -> None:
    result = folded(patch('city', 'Campinas'), patch('city', 'Santos'))

    assert result.session.profile.city == 'Santos'
    assert [(fact.value, fact.previous) for fact in result.facts] == [('Campinas', None), ('Santos', 'Campinas')]


@pytest.mark.parametrize(
    ('impossible', 'reason'),
    [
        (Advance(to='car_details'), "no transition from 'greeting' to 'car_details'"),
        (Advance(to='racing'), "no transition from 'greeting' to 'racing'"),
        (HandBack(), "no transition from 'greeting'"),
        (patch('budget_max', 0), 'budget_max: Input should be greater than 0'),
        (patch('color', 'red'), 'color: not a field'),
    ],
)
def test_an_impossible_action_is_left_out_and_reported(impossible: Action, reason: str) -> None:
    result = folded(patch('city', 'Campinas'), impossible, patch('state', 'SP'))

    assert result.session.profile.known() == {'city': 'Campinas', 'state': 'SP'}
    assert result.session.state == SessionState.GREETING
    [event] = result.events
    assert (event.kind, event.message, event.at) == ('refused', 'm1', NOON)
    assert event.data['action'] == impossible.kind
    assert str(event.data['reason']).startswith(reason)


def test_an_action_that_an_earlier_one_made_impossible_is_refused() -> None:
    result = folded(HandOver(reason='asked'), Advance(to='collecting_profile'))

    assert kinds(result) == ['state', 'handoff', 'refused']
    assert (result.session.state, result.session.handoff_from) == ('human_handoff', 'greeting')


def test_a_second_hand_over_changes_nothing() -> None:
    once = folded(HandOver(reason='asked'))
    twice = folded(HandOver(reason='again'), session=once.session)

    assert (twice.session, twice.events) == (once.session, ())


def test_a_conversation_comes_back_to_where_it_was() -> None:
    result = folded(Advance(to='collecting_profile'), HandOver(reason='asked'), HandBack())

    assert kinds(result) == ['state', 'state', 'handoff', 'handback']
    assert (result.session.state, result.session.handoff_from) == ('collecting_profile', None)


def test_a_domain_without_a_hand_over_refuses_it() -> None:
    class Guest(Profile):
        city: str | None = None

    domain = Domain(Guest, StateMachine('open', {'open': frozenset()}))

    result = fold(domain.open_session('c', at=NOON), [HandOver(reason='asked')], domain, message=None, at=NOON)

    assert [event.data['reason'] for event in result.events] == ['this domain has no state in which a person answers']


def test_what_the_person_asks_is_recorded_once_and_can_be_withdrawn() -> None:
    asked = folded(Ask(request='person'), Ask(request='opt_out'), Ask(request='person'))
    withdrawn = folded(
        Ask(request='person', withdrawn=True), Ask(request='erasure', withdrawn=True), session=asked.session
    )

    assert asked.session.requests == ['person', 'opt_out']
    assert kinds(asked) == ['request', 'request']
    assert withdrawn.session.requests == ['opt_out']
    assert [event.data for event in withdrawn.events] == [{'request': 'person', 'withdrawn': True}]


def test_consent_recommendations_and_a_restart_are_recorded() -> None:
    result = folded(AnswerConsent(given=True, text='Pode?'), Recommend(items=[{'id': 1}]), Restart())

    assert (result.session.consent.given, result.session.consent.at) == (True, NOON)
    assert result.session.recommendations == [{'id': 1}]
    assert result.restarts
    assert kinds(result) == ['consent', 'restart']
    assert not folded(AnswerConsent(given=False)).session.consent.given


def test_an_unknown_action_is_rejected() -> None:
    for wrong in ({'kind': 'explode'}, {'kind': 'restart', 'now': True}, {'kind': 'advance'}):
        with pytest.raises(ValidationError):
            ActionList.validate_python([wrong])


def test_a_record_tells_what_was_said_in_order() -> None:
    record = TurnRecord(
        turn=1,
        at=NOON,
        state='greeting',
        messages=[UserMessage(id='m1', text='oi', at=NOON), UserMessage(id='m2', text=' ', at=NOON)],
        reply='olá',
        said=[ConversationMessage(role='system', content='aviso', at=NOON)],
    )

    assert [(line.role, line.content) for line in record.lines()] == [
        ('user', 'oi'),
        ('assistant', 'olá'),
        ('system', 'aviso'),
    ]


STATES = st.sampled_from([*(state.value for state in SessionState), 'racing'])
CHANGES = st.one_of(
    st.builds(Change, field=st.just('budget_min'), value=st.integers(-1, 5)),
    st.builds(Change, field=st.just('budget_max'), value=st.integers(-1, 5)),
    st.builds(
        Change,
        field=st.sampled_from(['brands', 'excluded_brands']),
        value=st.lists(st.sampled_from(['Fiat', 'Kia', 'VW']), max_size=2),
        op=st.sampled_from(['remember', 'correct', 'forget']),
    ),
)
ACTIONS: st.SearchStrategy[list[Action]] = st.lists(
    st.one_of(
        st.builds(PatchProfile, changes=st.lists(CHANGES, max_size=3)),
        st.builds(Advance, to=STATES),
        st.just(HandOver(reason='asked')),
        st.just(HandBack()),
        st.builds(AnswerConsent, given=st.booleans()),
        st.builds(Ask, request=st.sampled_from(['person', 'opt_out']), withdrawn=st.booleans()),
        st.builds(Recommend, items=st.just([{'id': 1}])),
        st.just(Restart()),
    ),
    max_size=8,
)


@given(first=ACTIONS, then=ACTIONS)
def test_folding_in_two_steps_is_folding_in_one(first: list[Action], then: list[Action]) -> None:
    session = opened()
    before = session.model_dump_json()

    at_once = folded(*first, *then, session=session)
    half = folded(*first, session=session)
    in_steps = folded(*then, session=half.session)

    assert in_steps.session == at_once.session
    assert (*half.facts, *in_steps.facts) == at_once.facts
    assert (*half.events, *in_steps.events) == at_once.events
    assert (half.restarts or in_steps.restarts) == at_once.restarts
    assert session.model_dump_json() == before


@given(actions=ACTIONS)
def test_actions_give_the_same_session_after_a_trip_through_json(actions: list[Action]) -> None:
    read = ActionList.validate_json(ActionList.dump_json(actions))

    assert folded(*read) == folded(*actions)
    at_rest = SessionData[UserProfileData].model_validate_json(folded(*actions).session.model_dump_json())
    assert at_rest == folded(*actions).session
