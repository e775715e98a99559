"""Loads DuckDB extensions: from their wheels, which need no network, or those that DuckDB has installed itself."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from agent_memory.errors import SetupError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def load_extension(connection: DuckDBPyConnection, name: str, *, extra: str = 'lake') -> None:
    """Load the extension `name`, which comes with the extra `extra` of this package.

    Raises:
        SetupError: There is none for this version of DuckDB.
    """
    try:
        connection.load_extension(str(_in_wheel(name) or name))
    except (duckdb.Error, OSError) as error:
        raise SetupError(
            f'DuckDB {duckdb.__version__} has no extension {name}: install pydantic-ai-agent-memory[{extra}], '
            f'or run INSTALL {name} in this DuckDB'
        ) from error


def _in_wheel(name: str) -> Path | None:
    spec = find_spec(f'duckdb_extension_{name}')
    if spec is None or spec.origin is None:
        return None
    versions = Path(spec.origin).parent / 'extensions'
    found = versions / f'v{duckdb.__version__}' / f'{name}.duckdb_extension'
    return found if found.exists() else None
