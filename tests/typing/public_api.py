"""Read by pyright, never run: what a caller's editor must infer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_type

from pydantic_ai import Agent

from agent_memory import (
    CAR_LEAD,
    Archive,
    Domain,
    DuckDBArchive,
    Inbound,
    LakeArchive,
    MemorySettings,
    Profile,
    QuackArchive,
    RedisStore,
    SessionData,
    SessionManager,
    SessionMemory,
    SessionStore,
    StateMachine,
    UserProfileData,
)
from agent_memory.agents import lead_agent


class Guest(Profile):
    city: str | None = None


@dataclass
class Shop:
    inbound: Inbound
    name: str


@dataclass
class NotAMessage:
    phone: str


store: SessionStore = RedisStore.from_url('redis://localhost')
archive: Archive = DuckDBArchive('history.duckdb')
lake: Archive = LakeArchive('ducklake:postgres:dbname=history')
elsewhere: Archive = QuackArchive('quack:127.0.0.1:9494', 'a token of the archiver')

cars = SessionManager(store, archive)
assert_type(cars, SessionManager[UserProfileData])
assert_type(CAR_LEAD, Domain[UserProfileData])
memory = SessionMemory(cars)
assert_type(memory, SessionMemory[UserProfileData])
lead_agent(memory)

GUESTS = Domain(Guest, StateMachine('open', {'open': frozenset()}))
guests = SessionManager(store, domain=GUESTS)
assert_type(guests, SessionManager[Guest])
guest_memory = SessionMemory(guests)
assert_type(guest_memory, SessionMemory[Guest])
lead_agent(guest_memory)  # pyright: ignore[reportArgumentType]

Agent('test', deps_type=Inbound, capabilities=[memory])
Agent('test', deps_type=Shop, capabilities=[guest_memory])
Agent('test', deps_type=NotAMessage, capabilities=[memory])  # pyright: ignore[reportArgumentType, reportCallIssue]
SessionManager(store, domain=Guest)  # pyright: ignore[reportArgumentType]


async def a_session_keeps_its_profile_type() -> None:
    session = await cars.get_session('+5511999999999')
    assert_type(session, SessionData[UserProfileData] | None)
    opened = await guests.get_or_create_session('+5511999999999')
    assert_type(opened, SessionData[Guest])
    assert_type(opened.profile.city, str | None)
    assert_type(await guests.update_session(opened, message_id='m1'), bool)
    await cars.update_session(opened, message_id='m1')  # pyright: ignore[reportArgumentType]


async def settings_open_a_manager_of_the_domain() -> None:
    async with MemorySettings().open(GUESTS) as opened:
        assert_type(opened.manager, SessionManager[Guest])
