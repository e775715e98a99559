"""`rediss://` in every topology: a server whose certificate is verified, and none that is not."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from agent_memory.errors import StoreUnavailable
from agent_memory.manager import SessionManager
from tests.faults.load import answer, store_on, untyped
from tests.servers import QUICK, Server, free_port, on_port, running, until
from tests.tls import authority, tls_proxy
from tests.topologies import SLOTS, port


@asynccontextmanager
async def served(tmp_path: Path, *options: str) -> AsyncGenerator[tuple[Server, int, Path]]:
    """One server, the port where it is reached by TLS, and the file of the authority that vouches for it."""
    server = on_port(tmp_path / 'server', *(options or QUICK))
    trusted, context = authority(tmp_path / 'authority')
    async with running(server), tls_proxy(port(server), context) as secure:
        yield server, secure, trusted


async def told(server: Server, *words: str | int) -> None:
    async with server.client() as client:
        await untyped(client).execute_command(*words)


async def answers(url: str, *, patience: timedelta = timedelta(seconds=5)) -> str:
    async with store_on(url, patience=patience) as store:
        manager = SessionManager(store)
        return await answer(manager, 1, 0) + await answer(manager, 1, 0)


BRIEF = timedelta(seconds=1)
TWICE = "resposta a ['mensagem 0']" * 2


async def test_a_certificate_of_the_named_authority_is_accepted(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, secure, trusted):
        assert await answers(f'rediss://127.0.0.1:{secure}?ssl_ca_certs={trusted}') == TWICE


async def test_a_certificate_that_cannot_be_verified_is_refused(tmp_path: Path) -> None:
    other, _ = authority(tmp_path / 'other')
    async with served(tmp_path) as (_, secure, trusted):
        for url in (
            f'rediss://127.0.0.1:{secure}?ssl_ca_certs={other}',
            f'rediss://127.0.0.1:{secure}',  # the authorities of this machine do not know it either
            f'rediss://localhost:{secure}?ssl_ca_certs={trusted}',  # it is of 127.0.0.1
        ):
            with pytest.raises(StoreUnavailable, match='the certificate of Redis cannot be verified'):
                await answers(url)


async def test_a_server_without_tls_is_not_spoken_to(tmp_path: Path) -> None:
    server = on_port(tmp_path / 'server', *QUICK)
    async with running(server):
        with pytest.raises(StoreUnavailable, match='Redis does not answer'):
            await answers(f'rediss://127.0.0.1:{port(server)}', patience=BRIEF)


async def test_a_sentinel_and_its_primary_are_reached_by_tls(tmp_path: Path) -> None:
    state = tmp_path / 'sentinel.conf'
    state.touch()
    stranger, _ = authority(tmp_path / 'other')
    async with (
        served(tmp_path) as (_, primary, trusted),
        served(tmp_path / 'sentinel', str(state), '--sentinel') as (sentinel, secure, of_sentinel),
    ):
        await told(sentinel, 'SENTINEL', 'MONITOR', 'sessions', '127.0.0.1', primary, 1)
        both = tmp_path / 'both.pem'
        both.write_bytes(trusted.read_bytes() + of_sentinel.read_bytes())
        url = f'rediss+sentinel://127.0.0.1:{secure}/sessions?ssl_ca_certs='

        assert await answers(f'{url}{both}') == TWICE
        with pytest.raises(StoreUnavailable, match='Redis does not answer'):  # no Sentinel can be asked
            await answers(f'{url}{stranger}', patience=BRIEF)
        with pytest.raises(StoreUnavailable, match='the certificate of Redis cannot be verified'):
            await answers(f'{url}{of_sentinel}')


async def test_the_nodes_of_a_cluster_are_reached_by_tls(tmp_path: Path) -> None:
    stranger, _ = authority(tmp_path / 'other')
    options = (*QUICK, '--cluster-enabled', 'yes', '--cluster-port', str(free_port()))
    async with served(tmp_path, *options) as (node, secure, trusted):
        await told(node, 'CONFIG', 'SET', 'cluster-announce-port', secure)
        await told(node, 'CLUSTER', 'ADDSLOTSRANGE', 0, SLOTS - 1)
        await until(lambda: serves(node))

        assert await answers(f'rediss+cluster://127.0.0.1:{secure}?ssl_ca_certs={trusted}') == TWICE
        with pytest.raises(StoreUnavailable, match='Redis does not answer'):
            await answers(f'rediss+cluster://127.0.0.1:{secure}?ssl_ca_certs={stranger}', patience=BRIEF)


async def serves(node: Server) -> bool:
    async with node.client() as client:
        return 'cluster_state:ok' in await untyped(client).execute_command('CLUSTER', 'INFO')
