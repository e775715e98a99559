"""The two EVALSHA calls of a turn without anything around them: what no client of redis-py can go below."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from agent_memory.backend._redis import RedisStore
from agent_memory.backend._scripts import _read  # pyright: ignore[reportPrivateUsage] - see below
from agent_memory.lead import UserProfileData
from agent_memory.manager import SessionManager
from benchmarks.workload import one_turn

_CONTACT, _TOKEN, _ID, _HELD_STARTED, _HELD_VERSION = 0, 1, 4, 12, 13  # places in the arguments of begin
_FENCE, _VERSION, _COMMIT, _CONSUMED = 2, 3, 4, 15  # places in the arguments of commit


@dataclass(frozen=True)
class Call:
    """One EVALSHA: the arguments of redis-py's `execute_command`."""

    sha: str
    keys: list[str]
    args: list[Any]

    def words(self) -> list[Any]:
        return ['EVALSHA', self.sha, len(self.keys), *self.keys, *self.args]


@dataclass
class BarePair:
    """Repeats the begin and the commit that a turn sent, byte for byte but for ids, fence and version.

    The scripts do all their work: each pair is a committed turn of a contact that nobody else knows.
    """

    client: Any
    begin: Call
    commit: Call
    started: int = 0
    turns: int = 0
    contact: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    async def prepared(self) -> tuple[list[Any], list[Any]]:
        """Return the next pair, made before the clock starts."""
        if not self.started:
            await self._open()
        return self._next()

    async def run(self, pair: tuple[list[Any], list[Any]]) -> None:
        granted = await self.client.execute_command(*pair[0])
        committed = await self.client.execute_command(*pair[1])
        assert (granted[0], committed[0]) == (b'RUN', b'OK'), (granted, committed)

    async def _open(self) -> None:
        pair = self._next()
        granted = await self.client.execute_command(*pair[0])
        self.started = granted[3]
        await self.client.execute_command(*pair[1])

    def _next(self) -> tuple[list[Any], list[Any]]:
        token, message, commit_id = secrets.token_urlsafe(12), secrets.token_urlsafe(16), secrets.token_urlsafe(12)
        replaced = {self.begin.args[_CONTACT]: self.contact, self.begin.args[_ID]: message}
        begin = _renamed(self.begin, replaced)
        begin.args[_TOKEN] = token
        begin.args[_HELD_STARTED], begin.args[_HELD_VERSION] = self.started, self.turns
        commit = _renamed(self.commit, replaced)
        commit.args[_TOKEN], commit.args[_COMMIT], commit.args[_CONSUMED] = token, commit_id, message
        commit.args[_FENCE], commit.args[_VERSION] = self.turns + 1, self.turns
        self.turns += 1
        return begin.words(), commit.words()


def _renamed(call: Call, names: dict[str, str]) -> Call:
    keys = call.keys
    for old, new in names.items():
        keys = [key.replace(old, new) for key in keys]
    return Call(call.sha, keys, [names.get(arg, arg) if isinstance(arg, str) else arg for arg in call.args])


async def recorded(manager: SessionManager[UserProfileData], contact: int, number: int) -> tuple[Call, Call]:
    """Run one turn and return the two calls that it sent."""
    store = manager.store
    assert isinstance(store, RedisStore)
    scripts = store._scripts  # pyright: ignore[reportPrivateUsage] - what is compared is what this store sends
    calls: list[Call] = []
    run = scripts.run

    async def recording(name: Any, keys: list[str], args: list[Any]) -> list[Any]:
        calls.append(Call(_read(name).sha, list(keys), list(args)))
        return await run(name, keys, args)

    scripts.run = recording
    try:
        await one_turn(manager, contact, number)
    finally:
        del scripts.run
    begin, commit = calls
    return begin, commit
