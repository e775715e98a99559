"""Runs the Lua scripts, and turns every way in which Redis can fail into one of two answers: done, or unavailable."""

from __future__ import annotations

import asyncio
import hashlib
import random
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.resources import files
from typing import Any, Literal

import anyio
import redis.exceptions

from agent_memory.backend._wire import Client, Wire, Words
from agent_memory.errors import StoreUnavailable

Name = Literal[
    'begin',
    'heartbeat',
    'commit',
    'abort',
    'close',
    'due',
    'head',
    'arrived',
    'receive',
    'claim',
    'settle',
    'decide',
    'link',
    'relink',
    'mail',
    'erase',
]

_FOLDER = files('agent_memory.backend').joinpath('lua')


class Unconfirmed(Exception):
    """The primary has what was sent, and no replica has confirmed it."""


_UNKNOWN_OUTCOME = (
    Unconfirmed,
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.BusyLoadingError,
    redis.exceptions.TryAgainError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.ClusterError,
    redis.exceptions.RedisClusterException,
    redis.exceptions.MasterDownError,
    redis.exceptions.AskError,
    OSError,
    # redis-py's asyncio connection raises these raw when a server goes away between two of its own awaits.
    TypeError,
    AttributeError,
    RuntimeError,
)
"""The script may have run or not. Every script has the same effect when sent twice, so it is sent again."""

_NOT_ADMITTED = (redis.exceptions.AuthenticationError, redis.exceptions.AuthorizationError)
"""Lost connections to redis-py; asking again does not help."""

_CONFIRM_MS = 500
"""How long one commit waits for a replica before it is sent again."""


@dataclass(frozen=True)
class _Script:
    text: str
    sha: str


_PARTS: dict[str, tuple[str, ...]] = {
    'begin': ('_end', '_accept', '_erased'),
    'close': ('_end',),
    'commit': ('_end',),
    'receive': ('_accept', '_erased'),
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
    _wire: Wire = field(init=False, repr=False)
    _answer_s: float = field(init=False, repr=False)
    _loaded: dict[str, _Script] = field(default_factory=dict[str, _Script], init=False, repr=False)

    def __post_init__(self) -> None:
        # A server that hangs leaves time to ask the one that took its place.
        self._answer_s = self.patience.total_seconds() / 2
        self._wire = Wire(self.client, self._answer_s)

    async def run(self, name: Name, keys: list[str], args: list[Any]) -> list[Any]:
        """Run one script until its outcome is known.

        Raises:
            StoreUnavailable: Redis refused the script, or did not answer within the patience.
        """
        script = self._script(name)
        return await self._persist(self._evaluate, script, keys, args)

    async def run_confirmed(self, name: Name, keys: list[str], args: list[Any], *, note: str) -> list[Any]:
        """Run one script until a replica has what it wrote, now or when it ran before.

        Args:
            name: The script.
            keys: Its keys.
            args: Its arguments.
            note: The key of a hash on the same server, written to behind the script.

        Raises:
            StoreUnavailable: As `run`, and when no replica confirms within the patience.
        """
        script = self._script(name)
        return await self._persist(self._evaluate_confirmed, script, keys, args, note)

    def _script(self, name: Name) -> _Script:
        return self._loaded.get(name) or self._loaded.setdefault(name, _read(name))

    def now(self) -> int | str:
        """Return the clock argument of a script: `''` takes the server's."""
        return self.clock_ms() if self.clock_ms else ''

    async def attempt(self, call: Callable[[], Awaitable[Any]]) -> Any:
        """Await `call()` again while its outcome is unknown. It must have the same effect when sent twice.

        Raises:
            StoreUnavailable: Redis refused the command, or did not answer within the patience.
        """

        async def bounded() -> Any:
            async with asyncio.timeout(self._answer_s):
                return await call()

        return await self._persist(bounded)

    async def _persist(self, call: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        give_up = time.monotonic() + self.patience.total_seconds()
        pause = 0.01
        while True:
            try:
                return await call(*args)
            except _NOT_ADMITTED as error:
                raise StoreUnavailable(_refusal(error)) from error
            except _UNKNOWN_OUTCOME as error:
                if isinstance(error.__context__, ssl.SSLCertVerificationError):
                    raise StoreUnavailable(_unverified(error.__context__)) from error
                if time.monotonic() + pause > give_up:
                    raise StoreUnavailable(_unanswered(error)) from error
                await anyio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
                pause = min(pause * 2, 0.5)
            except redis.exceptions.RedisError as error:
                raise StoreUnavailable(_refusal(error)) from error

    async def _evaluate(self, script: _Script, keys: list[str], args: list[Any]) -> list[Any]:
        try:
            return await self._wire.call(('EVALSHA', script.sha, len(keys), *keys, *args))
        except redis.exceptions.NoScriptError:
            return await self._wire.call(('EVAL', script.text, len(keys), *keys, *args))

    async def _evaluate_confirmed(self, script: _Script, keys: list[str], args: list[Any], note: str) -> list[Any]:
        # WAIT speaks of the last write of its own connection. A script that finds its work done writes nothing, and
        # WAIT would confirm that nothing at once: the note is a write behind whatever the script wrote, now or before.
        behind: tuple[Words, ...] = (('HSET', note, 'confirmed', 1), ('WAIT', 1, _CONFIRM_MS))
        words = (script.sha, len(keys), *keys, *args)
        reply, noted, replicas = await self._wire.call_together(keys[0], ('EVALSHA', *words), *behind)
        if isinstance(reply, redis.exceptions.NoScriptError):
            words = (script.text, len(keys), *keys, *args)
            reply, noted, replicas = await self._wire.call_together(keys[0], ('EVAL', *words), *behind)
        for answer in (reply, noted, replicas):
            if isinstance(answer, redis.exceptions.ResponseError):
                raise answer
        if not replicas:
            raise Unconfirmed
        return reply


def ms(duration: timedelta) -> int:
    """Return a duration in whole milliseconds."""
    return int(duration.total_seconds() * 1000)


def _unverified(error: ssl.SSLCertVerificationError) -> str:
    return f'the certificate of Redis cannot be verified ({error.verify_message}); ?ssl_ca_certs= names the authority'


def _unanswered(error: BaseException) -> str:
    match error:
        case Unconfirmed():
            return 'no replica has confirmed this turn: do not send its reply, send the same message again later'
        case redis.exceptions.ReadOnlyError():
            return 'this Redis is a replica and takes no writes; the URL must name the primary'
        case redis.exceptions.BusyLoadingError():
            return 'Redis is still loading its data; try again'
        case _:
            cause = f'{type(error).__name__}: {error}' if str(error) else type(error).__name__
            return f'Redis does not answer ({cause}); what was sent may or may not have happened, send it again'


def _refusal(error: redis.exceptions.RedisError) -> str:
    text = str(error)
    match error:
        case redis.exceptions.OutOfMemoryError():
            return 'Redis is out of memory and refuses writes; free memory or let the archiver drain the outbox'
        case redis.exceptions.NoPermissionError():
            return f'the Redis user may not do this ({text}); see the ACL in the documentation'
        case redis.exceptions.AuthenticationError() if 'already authenticated' in text or 'required' in text:
            return 'Redis asks for a password; put it into the URL'
        case redis.exceptions.AuthenticationError():
            return 'Redis refuses the user or password of the URL'
        case redis.exceptions.InvalidResponse():
            return f'what answers at this address is no Redis: {text}'
        case _ if 'MISCONF' in text:
            return 'Redis cannot write to its disk and refuses writes; free its disk'
        case _:
            return f'Redis refuses the command ({type(error).__name__}): {text}'
