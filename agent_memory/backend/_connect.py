"""From a URL to a Redis client: one server, a Sentinel group or a Cluster, by the same code above."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from agent_memory.backend._scripts import Client
from agent_memory.errors import SetupError

SCHEMES = ('redis', 'rediss', 'unix', 'redis+sentinel', 'rediss+sentinel', 'redis+cluster', 'rediss+cluster')

# One retry on a fresh connection inside the driver; everything beyond is decided where the outcome is understood.
# No `socket_timeout`: it costs a task for every write; `Scripts.attempt` bounds the whole exchange instead.
_OPTIONS: dict[str, Any] = {'socket_connect_timeout': 2, 'socket_timeout': None}


def connect(url: str) -> Client:
    """Return a client for `url`; it connects at first use.

    `redis://`, `rediss://` and `unix://` name one server. `redis+sentinel://h1:26379,h2:26379/service/db` names a group
    by its Sentinels. `redis+cluster://h1:6379,h2:6379` names any nodes of a Cluster. `rediss+...` uses TLS.

    Raises:
        SetupError: The URL has another scheme or lacks a part.
    """
    parts = urlsplit(url)
    scheme, _, topology = parts.scheme.partition('+')
    if parts.scheme not in SCHEMES:
        raise SetupError(f'unknown Redis URL scheme {parts.scheme!r}; use one of {", ".join(SCHEMES)}')
    options = {**_OPTIONS, 'retry': Retry(NoBackoff(), 1)}
    if topology == 'sentinel':
        return _sentinel(parts.netloc, parts.path, {**options, **_credentials(parts.netloc), 'ssl': scheme == 'rediss'})
    if topology == 'cluster':
        first = _hosts(parts.netloc)[0]
        address = urlunsplit((scheme, f'{_user(parts.netloc)}{first[0]}:{first[1]}', '', parts.query, ''))
        return RedisCluster.from_url(address, **_OPTIONS)
    try:
        from_url: Any = Redis.from_url  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        return from_url(url, **options)
    except ValueError as error:
        raise SetupError(f'unusable Redis URL: {error}') from error


def _sentinel(netloc: str, path: str, options: dict[str, Any]) -> Client:
    service, _, database = path.strip('/').partition('/')
    if not service:
        raise SetupError('a Sentinel URL names the service: redis+sentinel://host:26379/service')
    sentinel = Sentinel(_hosts(netloc, default=26379), sentinel_kwargs=_OPTIONS)
    return sentinel.master_for(service, db=int(database or 0), **options)  # pyright: ignore[reportUnknownMemberType]


def _hosts(netloc: str, default: int = 6379) -> list[tuple[str, int]]:
    hosts: list[tuple[str, int]] = []
    for part in netloc.rpartition('@')[2].split(','):
        host, _, port = part.rpartition(':') if ':' in part else (part, '', '')
        if not host:
            raise SetupError(f'a Redis URL needs a host: {part!r}')
        hosts.append((host, int(port or default)))
    return hosts


def _user(netloc: str) -> str:
    return netloc.rpartition('@')[0] + '@' if '@' in netloc else ''


def _credentials(netloc: str) -> dict[str, str]:
    user, _, password = netloc.rpartition('@')[0].partition(':')
    found = {'username': unquote(user), 'password': unquote(password)}
    return {name: value for name, value in found.items() if value}
