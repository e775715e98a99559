"""The suites of the used-car lead: the datasets beside this file, the lead agent, the stock of the demo."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from pydantic_ai import Agent

from agent_memory.agents import RulesModel, lead_agent, lead_model
from agent_memory.agents._evidence import lead_evidence
from agent_memory.agents.catalogue import StockCatalogue
from agent_memory.agents.lead import RULES
from agent_memory.agents.portuguese._question import topics_of
from agent_memory.errors import InvalidInput
from agent_memory.evals._car_claims import unsupported_claims
from agent_memory.evals._stage import Setting
from agent_memory.evals._suite import Suite
from agent_memory.lead import CAR_LEAD
from agent_memory.session import Inbound
from agent_memory.settings import MemorySettings

DATASETS = Path(__file__).parent / 'datasets'
SLOTS = (
    'budget_min', 'budget_max', 'main_use', 'city', 'state', 'priorities', 'brands', 'excluded_brands', 'body_types',
    'urgency',
)  # fmt: skip
"""What the dialogues are annotated with."""
_FIELDS = {
    'budget': ('budget_max',),
    'city': ('city',),
    'state': ('state',),
    'use': ('main_use',),
    'brands': ('brands',),
    'refused': ('excluded_brands',),
    'body': ('body_types',),
    'priorities': ('priorities',),
    'urgency': ('urgency',),
    'name': ('name',),
    'payment': ('payment',),
    'trade_in': ('trade_in',),
    'person': ('person',),
    'consent': ('consent',),
    'car': ('car',),
}


def asked_fields(reply: str) -> frozenset[str]:
    """Return the fields that a reply asks for; `person`, `consent` and `car` stand for those questions."""
    if '?' not in reply:
        return frozenset()
    return frozenset(name for topic in topics_of(reply) for name in _FIELDS.get(topic, ()))


def car_agent(setting: Setting, catalogue: StockCatalogue) -> Agent[Inbound, str]:
    """Return the lead agent on the model under test, with the demo's cars."""
    memory = replace(setting.memory, evidence=partial(lead_evidence, today=setting.today))
    if setting.model == RULES:
        return lead_agent(memory, RulesModel(today=setting.today), catalogue=catalogue)
    settings = MemorySettings()
    key = settings.model_api_key.get_secret_value() if settings.model_api_key else None
    model = lead_model(setting.model, base_url=settings.model_base_url, api_key=key)
    return lead_agent(memory, model, catalogue=catalogue)


def car_suite(path: str | Path) -> Suite:
    """Return a suite of the car lead from its file."""
    catalogue = StockCatalogue()
    return Suite.from_file(
        path,
        domain=CAR_LEAD,
        agent=lambda setting: car_agent(setting, catalogue),
        slots=SLOTS,
        asks=asked_fields,
        claims=unsupported_claims,
        close=catalogue.close,
    )


def car_suites(names: tuple[str, ...] = ()) -> list[Suite]:
    """Return the suites that ship with the package, or those named.

    Raises:
        InvalidInput: There is no suite of that name.
    """
    files = {path.stem: path for path in sorted(DATASETS.glob('*.yaml'))}
    if unknown := [name for name in names if name not in files]:
        raise InvalidInput(f'no suite {", ".join(unknown)}; there are {", ".join(files)}, or give a file')
    return [car_suite(files[name]) for name in names or files]
