"""The history over HTTP: what another machine may ask of the process that holds it, and what that costs nobody."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from anyio import to_thread
from hypothesis import given
from hypothesis import strategies as st

from agent_memory.backend import _history as history
from agent_memory.backend import _quack_server
from agent_memory.backend._duckdb import DuckDBArchive
from agent_memory.backend._erasure import Tombstone
from agent_memory.backend._extensions import load_extension
from agent_memory.backend._history import Answer, HistoryReader, Parameter, Question
from agent_memory.backend._ledger import AuditNote
from agent_memory.backend._quack import SERVED, QuackArchive, call_of, literal, parameters_of
from agent_memory.backend._quack_server import MOST_CHARACTERS, MOST_ROWS
from agent_memory.backend._rows import EventRow, FactRow, Rows
from agent_memory.errors import ArchiveUnavailable, InvalidInput
from tests.backend.quack import TOKEN, served
from tests.backend.rows import BEGUN, CLOSED, batch, turn

pytestmark = pytest.mark.skipif(not duckdb.__version__.startswith('1.'), reason='its extensions are for DuckDB 1.5')
GIVEN: dict[str, Parameter] = {
    'contact': 'ana', 'session': 'ana:1', 'limit': 5, 'score': 0.5, 'since': '2026-01-01', 'until': '9999-01-01',
}  # fmt: skip
HOSTILE = (
    "'", "''", "a'b", "');--", "ana', 5); DROP TABLE sessions; --", "' OR 1=1 --", '\\', "\\'", '$$', '$contact',
    'a\nb', '\u00a0', '\u2028', '🚗', '"', "é'\t;", '/* */', '{"limit": 9}', '!', 'x' * 5000,
)  # fmt: skip


@pytest.fixture
async def told(archive: DuckDBArchive) -> DuckDBArchive:
    """Ana was greeted and left; Bia goes on. Each session has a row in every table."""
    first = turn(1)
    first = first._replace(
        turns=(first.turns[0]._replace(source='ad:7', asked='city'),),
        facts=(FactRow('ana:1', 'ana', 1, 'city', None, '"Recife"', None, 'user', BEGUN),),
        events=(EventRow('ana:1', 'ana', 1, 'qualified', None, '{}', BEGUN),),
    )
    await archive.append(batch(first, turn(2), Rows(sessions=(CLOSED,)), turn(1, session='bia:1')))
    return archive


async def asked_raw(reader: QuackArchive, query: str) -> list[tuple[object, ...]]:
    """Send a text of one's own, as whoever has the token can."""
    return await to_thread.run_sync(_asked_raw, reader.name, query)


def _asked_raw(name: str, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        for extension in ('httpfs', 'quack'):
            load_extension(connection, extension)
        return connection.execute('FROM quack_query(?, ?, token := ?)', [name, query, TOKEN]).fetchall()


async def ask_all(reader: HistoryReader) -> dict[Question, Answer]:
    return {one: await reader.ask(one, **{name: GIVEN[name] for name in parameters_of(one)}) for one in SERVED}


async def test_another_machine_is_told_what_the_file_tells(told: DuckDBArchive) -> None:
    async with served(told) as reader:
        assert await ask_all(reader) == (here := await ask_all(told))
        assert await reader.sessions('ana', limit=5) == await told.sessions('ana', limit=5) != []
        assert await reader.messages('ana:1', limit=5) == await told.messages('ana:1', limit=5) != []
        assert all(answer.rows for answer in here.values())
        await told.append(batch(turn(2, session='bia:1'), after='1-0', offset='2-0'))
        assert len((await history.transcript(reader, 'bia')).rows) == 4
        await told.erase([Tombstone('bia', BEGUN + timedelta(days=1))])  # the file is another one now
        assert (await history.transcript(reader, 'bia')).rows == ()
        assert await reader.sessions('ana', limit=5) != []


async def test_nothing_but_a_question_is_admitted(told: DuckDBArchive, tmp_path: Path) -> None:
    before = await ask_all(told)
    asks = "FROM funnel('2026-01-01', '9999-01-01')"
    async with served(told) as reader:
        assert await asked_raw(reader, asks) != []
        for query in (
            f'{asks}; DROP TABLE sessions', f'DROP TABLE sessions; {asks}', f'{asks} --', f' {asks}', f'{asks};',
            asks.lower(), f'SELECT * {asks}', f'EXPLAIN {asks}', f'CREATE TABLE t AS {asks}', f'{asks} UNION {asks}',
            "FROM funnel('2026-01-01', now())", "FROM funnel('2026-01-01', (SELECT 1))", "FROM funnel('a' || 'b', 'c')",
            'FROM sessions', "FROM audit(0, '', 9)", 'FROM duckdb_tables()', 'FROM duckdb_settings()', 'SELECT 1', '',
            "SELECT told('audit', '{}')", "INSERT INTO sessions VALUES ('x')", 'DELETE FROM turns', 'PRAGMA version',
            f"ATTACH '{tmp_path / 'history.duckdb'}' AS h", f"COPY (SELECT 1) TO '{tmp_path / 'out'}'",
            "FROM read_text('/etc/passwd')", "SET GLOBAL quack_authorization_function = 'quack_nop_authorization'",
            'CREATE MACRO admitted(a, b) AS true',
            f"FROM sessions('{'x' * MOST_CHARACTERS}', 1)", "CALL quack_stop('quack:x')", 'INSTALL httpfs', 'LOAD httpfs',
        ):  # fmt: skip
            with pytest.raises(duckdb.Error, match='Authorization failed'):
                await asked_raw(reader, query)
    assert await ask_all(told) == before


async def test_behind_what_is_admitted_there_is_nothing(
    told: DuckDBArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await ask_all(told)
    monkeypatch.setattr(_quack_server, '_ADMITTED', '(?s).*')  # as if somebody had found a way past it
    async with served(told) as reader:
        assert await asked_raw(reader, "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'") == []
        for query in (
            'FROM sessions', "FROM read_text('/etc/passwd')", f"ATTACH '{tmp_path / 'history.duckdb'}' AS h",
            f"COPY (SELECT 1) TO '{tmp_path / 'out'}'", 'SET threads = 4', 'SET enable_external_access = true',
            'INSTALL httpfs', 'DROP TABLE sessions',
        ):  # fmt: skip
            with pytest.raises(duckdb.Error):
                await asked_raw(reader, query)
        for question in ('audit', 'person_turns', '../questions/audit'):
            assert await asked_raw(reader, f"SELECT told('{question}', '{{}}')") == [('!this is no question',)]
    assert not (tmp_path / 'out').exists()
    assert await ask_all(told) == before


async def test_who_has_not_the_token_is_told_nothing(told: DuckDBArchive) -> None:
    async with served(told) as reader:
        for token in ('', TOKEN[:-1], 'some other token'):
            with pytest.raises(ArchiveUnavailable):
                await QuackArchive(reader.name, token).ask('archiving')


async def test_a_reader_changes_nothing_and_learns_nothing_of_the_ledger(told: DuckDBArchive) -> None:
    stones = [Tombstone('ana', BEGUN)]
    async with served(told) as reader:
        for call in (
            lambda: reader.append(batch(turn(3), after='1-0', offset='3-0')),
            lambda: reader.enter([AuditNote('x', 'y')]),
            lambda: reader.erase(stones),
            lambda: reader.traces(stones),
            reader.rewrite,
            lambda: reader.ask('audit', after=0, contact='', limit=1),
            lambda: reader.ask('person_turns', contact='ana', limit=1),
        ):
            with pytest.raises(ArchiveUnavailable, match='where the history is'):
                await call()


@given(st.text(), st.integers(), st.floats(allow_nan=False, allow_infinity=False))
def test_a_parameter_is_one_literal(text: str, number: int, real: float) -> None:
    query = call_of('sessions', {'contact': text.replace('\0', ''), 'limit': number})
    assert len(duckdb.extract_statements(query)) == 1
    with duckdb.connect() as connection:
        [row] = connection.execute(f'SELECT {literal(text.replace(chr(0), ""))}, {literal(real)}::DOUBLE').fetchall()
    assert row == (text.replace('\0', ''), real)


@pytest.mark.parametrize('value', ['a\0b', '\ud800', float('nan'), float('inf')])
def test_what_sql_cannot_tell_is_no_parameter(value: Parameter) -> None:
    with pytest.raises(InvalidInput):
        literal(value)


async def test_any_text_can_be_asked_for(archive: DuckDBArchive) -> None:
    await archive.append(batch(*(Rows(messages=(turn(1).messages[0]._replace(contact_id=one),)) for one in HOSTILE)))
    async with served(archive) as reader:
        for one in HOSTILE:
            found = await history.transcript(reader, one)
            assert len(found.rows) == 1
            assert found == await history.transcript(archive, one)


async def test_an_answer_has_a_largest_size(told: DuckDBArchive) -> None:
    long = [turn(1).messages[0]._replace(id=str(number), content='x' * 2000) for number in range(MOST_ROWS)]
    await told.append(batch(Rows(messages=tuple(long)), after='1-0', offset='2-0'))
    async with served(told) as reader:
        assert len((await history.transcript(reader, 'ana', limit=MOST_ROWS)).rows) == MOST_ROWS
        with pytest.raises(ArchiveUnavailable, match=f'at most {MOST_ROWS} rows'):
            await history.transcript(reader, 'ana', limit=MOST_ROWS + 1)


async def test_each_person_that_is_looked_at_is_noted(told: DuckDBArchive) -> None:
    async with served(told) as reader:
        for _ in range(3):
            await reader.sessions('ana', limit=5)
            await reader.messages('bia:1', limit=5)
            await history.leads(reader, score=0)
            await history.funnel(reader)
            await history.transcript(reader, '+5511999990000')
        noted = [row[2:5] for row in (await told.ask('audit', after=0, contact='', limit=100)).rows]
    by = 'token:quack'
    assert noted == [
        ('history', by, 'ana'), ('history', by, 'bia'), ('leads', by, 'ana'), ('leads', by, 'bia'), ('history', by, None),
    ]  # fmt: skip
