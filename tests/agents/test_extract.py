"""The facts of one text, by rules and by a model."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel

from agent_memory.agents import extract_profile

TEXT = 'sou a Ana, quero um Fiat até 60 mil pra família, moro em Campinas'


def structured(*answers: Mapping[str, object]) -> FunctionModel:
    left = list(answers)

    def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        del messages
        return ModelResponse(parts=[ToolCallPart(info.output_tools[0].name, dict(left.pop(0)))])

    return FunctionModel(answer)


async def test_rules_and_a_model_read_the_same_facts() -> None:
    by_rules = await extract_profile(TEXT)
    by_model = await extract_profile(TEXT, model=structured(by_rules.known()))

    assert by_rules.known() == {
        'name': 'Ana',
        'budget_max': 60_000,
        'main_use': 'family',
        'city': 'Campinas',
        'state': 'SP',
        'brands': ['Fiat'],
    }
    assert by_model.known() == by_rules.known()


async def test_a_model_that_fills_every_slot_is_held_to_the_text() -> None:
    overfilled = {
        'budget_min': 20_000,
        'budget_max': 60_000,
        'city': 'Santos',
        'brands': ['Fiat', 'Audi'],
        'name': 'Ana',
    }

    profile = await extract_profile(TEXT, model=structured(overfilled))

    assert profile.known() == {'budget_max': 60_000, 'brands': ['Fiat'], 'name': 'Ana'}


async def test_an_impossible_profile_goes_back_to_the_model() -> None:
    model = structured({'budget_min': 90_000, 'budget_max': 60_000}, {'budget_max': 60_000})

    assert (await extract_profile('até 60 mil', model=model)).known() == {'budget_max': 60_000}
