"""Runs the Lua scripts, and turns every way in which Redis can fail into one of two answers: done, or unavailable."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.resources import files
from typing import Any, Literal

import anyio
import redis.exceptions
from redis.asyncio import Redis, RedisCluster

from agent_memory.backend._wire import Wire
from agent_memory.errors import StoreUnavailable

Client = Redis | RedisCluster
Name = Literal[
    'begin',
    'heartbeat',
    'commit',
    'abort',
    'close',
    'due',
    'arrived',
    'receive',
    'claim',
    'settle',
    'link',
    'relink',
]

_FOLDER = files('agent_memory.backend').joinpath('lua')

_UNKNOWN_OUTCOME = (
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.BusyLoadingError,
    redis.exceptions.TryAgainError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.ClusterError,
    redis.exceptions.RedisClusterException,
    redis.exceptions.MasterDownError,
    OSError,
    # redis-py's asyncio connection raises these raw when a server goes away between two of its own awaits.
    TypeError,
    AttributeError,
    RuntimeError,
)
"""The script may have run or not. Every script has the same effect when sent twice, so it is sent again."""

_REFUSED = {
    'OOM': 'Redis is out of memory and refuses writes; free memory or let the archiver drain the outbox',
    'MISCONF': 'Redis cannot write its append-only file and refuses writes; free its disk',
    'NOPERM': 'the Redis user may not run this command; see the ACL in the documentation',
    'NOAUTH': 'Redis asks for a password; put it into the URL',
    'WRONGPASS': 'Redis refuses the user or password of the URL',
}


@dataclass(frozen=True)
class _Script:
    text: str
    sha: str


_PARTS: dict[str, tuple[str, ...]] = {
    'begin': ('_end', '_accept'),
    'close': ('_end',),
    'commit': ('_end',),
    'receive': ('_accept',),
}
"""What scripts share with others, written before them."""


def _read(name: str) -> _Script:
    text = ''.join(
        _FOLDER.joinpath(f'{part}.lua').read_text(encoding='utf-8') for part in (*_PARTS.get(name, ()), name)
    )
    return _Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


@dataclass
class Scripts:
    """The scripts of one store, run on its client."""

    client: Client
    patience: timedelta
    """How long to send a script again while its outcome is unknown."""
    clock_ms: Callable[[], int] | None = None
    """Replaces the server's clock, for tests."""
    _wire: Wire | None = field(init=False, repr=False)
    _answer_s: float = field(init=False, repr=False)
    _loaded: dict[str, _Script] = field(default_factory=dict[str, _Script], init=False, repr=False)

    def __post_init__(self) -> None:
        # A server that hangs leaves time to ask the one that took its place.
        self._answer_s = self.patience.total_seconds() / 2
        # A Cluster client finds the node of each command and follows its moves.
        self._wire = Wire(self.client) if isinstance(self.client, Redis) else None

    async def run(self, name: Name, keys: list[str], args: list[Any]) -> list[Any]:
        """Run one script until its outcome is known.

        Raises:
            StoreUnavailable: Redis refused the script, or did not answer within the patience.
        """
        script = self._loaded.get(name) or self._loaded.setdefault(name, _read(name))
        return await self.attempt(lambda: self._evaluate(script, keys, args))

    def now(self) -> int | str:
        """Return the clock argument of a script: `''` takes the server's."""
        return self.clock_ms() if self.clock_ms else ''

    async def attempt(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """Await `call()` again while its outcome is unknown. It must have the same effect when sent twice.

        Raises:
            StoreUnavailable: Redis refused the command, or did not answer within the patience.
        """
        give_up = time.monotonic() + self.patience.total_seconds()
        pause = 0.01
        while True:
            try:
                async with asyncio.timeout(self._answer_s):
                    return await call()
            except _UNKNOWN_OUTCOME as error:
                if time.monotonic() + pause > give_up:
                    raise StoreUnavailable(_unanswered(error)) from error
                await anyio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
                pause = min(pause * 2, 0.5)
            except redis.exceptions.ResponseError as error:
                raise StoreUnavailable(_refusal(error)) from error

    async def _evaluate(self, script: _Script, keys: list[str], args: list[Any]) -> list[Any]:
        execute: Any = self._wire.call if self._wire else self.client.execute_command  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        try:
            return await execute('EVALSHA', script.sha, len(keys), *keys, *args)
        except redis.exceptions.NoScriptError:
            return await execute('EVAL', script.text, len(keys), *keys, *args)


def ms(duration: timedelta) -> int:
    """Return a duration in whole milliseconds."""
    return int(duration.total_seconds() * 1000)


def _unanswered(error: BaseException) -> str:
    return f'Redis does not answer ({type(error).__name__}); what was sent may or may not have happened, send it again'


def _refusal(error: redis.exceptions.ResponseError) -> str:
    text = str(error)
    for code, advice in _REFUSED.items():
        if code in text.split(':')[0] or text.startswith(code) or f'{code} ' in text:
            return advice
    return f'Redis refuses the command: {text}'
