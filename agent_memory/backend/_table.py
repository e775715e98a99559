"""`FileTable`: weighted search over a CSV or Parquet file. It knows columns and criteria, not what they mean."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Literal, TypeVar

import duckdb

from agent_memory.backend._sql import identifier
from agent_memory.errors import CatalogueUnavailable

R = TypeVar('R')


@dataclass(frozen=True)
class Criterion:
    """One test of a row. What a row misses costs `weight` of its score, or the row when `required`."""

    name: str
    column: str
    test: Literal['<=', '>=', 'in', 'not in', 'has any']
    """Texts are compared without case and accents. `has any` reads a column of values with `;` between them."""
    value: float | tuple[str, ...]
    weight: float = 1.0
    required: bool = False


@dataclass(frozen=True)
class RankedRow:
    """A row, its share of the weights from 0 to 1, and the positions of the criteria that it meets."""

    row: dict[str, str | None]
    score: float
    met: tuple[int, ...]


@dataclass(frozen=True)
class Loosened:
    """The rows that fit without some of the required criteria."""

    names: tuple[str, ...]
    count: int
    least: float
    """The lowest value of the column that breaks ties."""


@dataclass(frozen=True)
class Ranking:
    """The best rows, how many fit, and what each required criterion costs."""

    rows: tuple[RankedRow, ...]
    total: int
    loosened: tuple[Loosened, ...]
    """Each required criterion alone, and when none of them helps alone each pair; only those that help."""


class FileTable:
    """Reads the file at `path` (`.csv` or `.parquet`) into memory, and again when it changed.

    All work runs on one thread of its own, in order.
    """

    def __init__(self, path: str | Path, *, key: str, tie: str) -> None:
        """Make the table; nothing is read yet.

        Args:
            path: The file. In a CSV all columns are text; numbers are read where a criterion compares them.
            key: The column that names a row.
            tie: The column whose lowest value comes first among equal scores.
        """
        self.path = Path(path)
        self._key = key
        self._tie = tie
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix='table')
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._read: tuple[int, int] | None = None

    async def rank(self, criteria: Sequence[Criterion], *, limit: int) -> Ranking:
        """Return the best `limit` rows that meet every required criterion.

        Raises:
            CatalogueUnavailable: The file cannot be read or lacks a column.
        """
        return await self._run(lambda: self._ranking(criteria, limit))

    async def judge(self, criteria: Sequence[Criterion], keys: Sequence[str]) -> tuple[RankedRow, ...]:
        """Return the rows named by `keys`, in that order, with what they meet; nothing is required of them.

        Raises:
            CatalogueUnavailable: The file cannot be read or lacks a column.
        """
        return await self._run(lambda: self._judged(criteria, keys))

    async def close(self) -> None:
        """Forget what was read."""
        await asyncio.get_running_loop().run_in_executor(self._worker, self._let_go)

    async def _run(self, call: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._worker, lambda: self._guard(call))

    # What follows runs on the worker thread.

    def _guard(self, call: Callable[[], R]) -> R:
        try:
            return call()
        except (duckdb.Error, OSError) as error:
            self._let_go()
            reason = str(error).splitlines()[0] or type(error).__name__
            raise CatalogueUnavailable(f'{self.path}: {reason}') from error

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _loaded(self) -> duckdb.DuckDBPyConnection:
        found = self.path.stat()
        stamp = (found.st_mtime_ns, found.st_size)
        if self._connection is not None and self._read == stamp:
            return self._connection
        self._let_go()
        connection = duckdb.connect()
        source = 'read_parquet(?)' if self.path.suffix == '.parquet' else 'read_csv(?, header=true, all_varchar=true)'
        connection.execute(f'CREATE TABLE held AS FROM {source}', [str(self.path)])
        self._connection, self._read = connection, stamp
        return connection

    def _ranking(self, criteria: Sequence[Criterion], limit: int) -> Ranking:
        required = [place for place, criterion in enumerate(criteria) if criterion.required]
        fits = _all_of(required)
        judged, values = _judged_by(criteria)
        tie = _number(self._tie)
        rows = self._rows(
            f'{judged} SELECT * FROM judged WHERE {fits} ORDER BY score DESC, {tie}, {identifier(self._key)} LIMIT ?',  # noqa: S608 - our own names; values are parameters
            [*values, limit],
            criteria,
        )
        total = len(rows) if len(rows) < limit else self._count(judged, values, fits)
        loosened: tuple[Loosened, ...] = ()
        if not rows:
            loosened = self._loosened(criteria, required, 1) or self._loosened(criteria, required, 2)
        return Ranking(rows, total, loosened)

    def _count(self, judged: str, values: list[Any], fits: str) -> int:
        found = self._loaded().execute(f'{judged} SELECT count(*) FROM judged WHERE {fits}', values).fetchone()  # noqa: S608 - as above
        return int(found[0]) if found else 0

    def _loosened(self, criteria: Sequence[Criterion], required: list[int], size: int) -> tuple[Loosened, ...]:
        """Return what giving up each group of `size` required criteria opens, the most rows first."""
        judged, values = _judged_by(criteria)
        groups = [group for group in combinations(required, size) if len(group) < len(required) or size == 1]
        if not groups:
            return ()
        columns: list[str] = []
        for group in groups:
            kept = _all_of([place for place in required if place not in group])
            columns += [f'count(*) FILTER ({kept})', f'min({_number(self._tie)}) FILTER ({kept})']
        found = self._loaded().execute(f'{judged} SELECT {", ".join(columns)} FROM judged', values).fetchone() or ()  # noqa: S608 - as above
        opened = [
            Loosened(tuple(criteria[place].name for place in group), int(found[2 * n]), float(found[2 * n + 1] or 0))
            for n, group in enumerate(groups)
            if found[2 * n]
        ]
        return tuple(sorted(opened, key=lambda one: -one.count))

    def _judged(self, criteria: Sequence[Criterion], keys: Sequence[str]) -> tuple[RankedRow, ...]:
        judged, values = _judged_by(criteria)
        rows = self._rows(
            f'{judged} SELECT * FROM judged WHERE list_contains(?, {identifier(self._key)})',  # noqa: S608 - as above
            [*values, list(keys)],
            criteria,
        )
        return tuple(sorted(rows, key=lambda ranked: list(keys).index(ranked.row[self._key] or '')))

    def _rows(self, statement: str, values: list[Any], criteria: Sequence[Criterion]) -> tuple[RankedRow, ...]:
        cursor = self._loaded().execute(statement, values)
        names = [str(column[0]) for column in cursor.description or ()]
        own = len(names) - len(criteria) - 1
        return tuple(
            RankedRow(
                row=dict(zip(names[:own], row[:own], strict=True)),
                score=round(float(row[-1]), 4),
                met=tuple(place for place, met in enumerate(row[own:-1]) if met),
            )
            for row in cursor.fetchall()
        )


def _judged_by(criteria: Sequence[Criterion]) -> tuple[str, list[Any]]:
    """Return a `judged` table: every column, one flag a criterion, and the score; with its parameters."""
    flags = [f'coalesce({_test(criterion)}, false) AS met_{place}' for place, criterion in enumerate(criteria)]
    weight = sum(criterion.weight for criterion in criteria) or 1.0
    points = ' + '.join(f'met_{place}::INT * {criterion.weight}' for place, criterion in enumerate(criteria)) or '0'
    inner = f'SELECT {", ".join(["*", *flags])} FROM held'  # noqa: S608 - our own names; values are parameters
    values = [list(c.value) if isinstance(c.value, tuple) else c.value for c in criteria]
    return f'WITH judged AS (SELECT *, ({points}) / {weight} AS score FROM ({inner}))', values  # noqa: S608 - as above


def _test(criterion: Criterion) -> str:
    column = identifier(criterion.column)
    match criterion.test:
        case '<=' | '>=':
            return f'{_number(criterion.column)} {criterion.test} ?'
        case 'in':
            return f'list_contains({_FOLDED_VALUES}, lower(strip_accents({column})))'
        case 'not in':
            return f'NOT list_contains({_FOLDED_VALUES}, lower(strip_accents({column})))'
        case 'has any':
            return f"list_has_any({_FOLDED_VALUES}, string_split(lower(strip_accents({column})), ';'))"


_FOLDED_VALUES = 'list_transform(?::VARCHAR[], lambda one: lower(strip_accents(one)))'


def _all_of(places: Sequence[int]) -> str:
    return ' AND '.join(f'met_{place}' for place in places) or 'true'


def _number(column: str) -> str:
    return f'TRY_CAST({identifier(column)} AS DOUBLE)'
