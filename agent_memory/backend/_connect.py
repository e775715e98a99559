"""From a URL to a Redis client: one server, a Sentinel group or a Cluster, by the same code above."""

from __future__ import annotations

from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff

from agent_memory.backend._wire import Client
from agent_memory.errors import SetupError

SCHEMES = ('redis', 'rediss', 'unix', 'redis+sentinel', 'rediss+sentinel', 'redis+cluster', 'rediss+cluster')

# No `socket_timeout`: it costs a task for every write; `Scripts.attempt` bounds the whole exchange instead.
_OPTIONS: dict[str, Any] = {'socket_connect_timeout': 2, 'socket_timeout': None}
# A node that hangs must be noticed by the driver itself, which then asks the others who serves its slots.
_CLUSTER_OPTIONS: dict[str, Any] = {'socket_connect_timeout': 1, 'socket_timeout': 2}
# Asked one after the other: one that hangs must not take the time of the next.
_SENTINEL_OPTIONS: dict[str, Any] = {'socket_connect_timeout': 0.5, 'socket_timeout': 0.5}
_TLS_FILES = ('ssl_ca_certs', 'ssl_certfile', 'ssl_keyfile')


def connect(url: str) -> Client:
    """Return a client for `url`; it connects at first use.

    `redis://`, `rediss://` and `unix://` name one server. `redis+sentinel://h1:26379,h2:26379/service/db` names a group
    by its Sentinels. `redis+cluster://h1:6379,h2:6379` names any nodes of a Cluster. `rediss+...` uses TLS. User and
    password stand before the first host and are those of the data servers; `?sentinel_username=` and
    `?sentinel_password=` are those of the Sentinels. With TLS, `?ssl_ca_certs=` names the file of the authorities to
    trust instead of this machine's, `?ssl_certfile=` and `?ssl_keyfile=` what this client proves itself with.

    Raises:
        SetupError: The URL has another scheme or lacks a part.
    """
    scheme, _, topology = url.partition('://')[0].partition('+')
    if url.partition('://')[0] not in SCHEMES:
        # The whole URL may hold a password.
        raise SetupError(f'unknown Redis URL scheme {url.partition("://")[0]!r:.40}; use one of {", ".join(SCHEMES)}')
    try:
        parts = urlsplit(url)
        if topology == 'sentinel':
            return _sentinel(parts, tls=scheme == 'rediss')
        if topology == 'cluster':
            return _cluster(parts, tls=scheme == 'rediss')
        from_url: Any = Redis.from_url  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        return from_url(url, **_OPTIONS, retry=Retry(NoBackoff(), 1))
    except ValueError as error:
        if isinstance(error, SetupError):
            raise
        raise SetupError(f'unusable Redis URL: {error}') from error


async def disconnect(client: Client) -> None:
    """Close the client's connections, those to its Sentinels too."""
    await client.aclose()
    if isinstance(client, Redis) and isinstance(client.connection_pool, SentinelConnectionPool):
        pool: Any = client.connection_pool
        for sentinel in pool.sentinel_manager.sentinels:
            await sentinel.aclose()


def _sentinel(parts: SplitResult, *, tls: bool) -> Client:
    service, _, database = parts.path.strip('/').partition('/')
    if not service:
        raise SetupError('a Sentinel URL names the service: redis+sentinel://host:26379/service')
    query = _query(parts)
    own = {name: query[f'sentinel_{name}'] for name in ('username', 'password') if f'sentinel_{name}' in query}
    sentinel = Sentinel(
        _hosts(parts.netloc, default=26379), sentinel_kwargs={**_SENTINEL_OPTIONS, **own, **_tls(query, tls)}
    )
    options: dict[str, Any] = {**_OPTIONS, **_credentials(parts.netloc), **_tls(query, tls), 'db': int(database or 0)}
    master_for: Any = sentinel.master_for  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return master_for(service, **options, retry=Retry(NoBackoff(), 0))


def _cluster(parts: SplitResult, *, tls: bool) -> Client:
    nodes = [ClusterNode(host, port) for host, port in _hosts(parts.netloc)]
    options: dict[str, Any] = {**_CLUSTER_OPTIONS, **_credentials(parts.netloc), **_tls(_query(parts), tls)}
    return RedisCluster(startup_nodes=nodes, **options)


def _query(parts: SplitResult) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(parts.query).items()}


def _tls(query: dict[str, str], tls: bool) -> dict[str, Any]:
    return {'ssl': tls, **({name: query[name] for name in _TLS_FILES if name in query} if tls else {})}


def _hosts(netloc: str, default: int = 6379) -> list[tuple[str, int]]:
    hosts: list[tuple[str, int]] = []
    for part in netloc.rpartition('@')[2].split(','):
        address = urlsplit(f'//{part}')
        if not address.hostname:
            raise SetupError('a Redis URL needs a host')
        hosts.append((address.hostname, address.port or default))
    return hosts


def _credentials(netloc: str) -> dict[str, str]:
    user, _, password = netloc.rpartition('@')[0].partition(':')
    found = {'username': unquote(user), 'password': unquote(password)}
    return {name: value for name, value in found.items() if value}
