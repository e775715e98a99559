"""Serves a history by Quack in a process of its own, as the archiver would: `python -m tests.backend.quack_process FILE`.

Prints its address, then reads commands: `interrupt` interrupts whatever this DuckDB runs, `queries` prints what Quack's clients run.
"""

from __future__ import annotations

import socket
import sys
from contextlib import suppress

import duckdb

from agent_memory.backend._extensions import load_extension

_FUNNEL = """
CREATE TABLE sessions AS SELECT 'greeting' AS state, 1 AS reached;
CREATE MACRO funnel(since, until) AS TABLE FROM sessions;
CREATE MACRO slow(since, until) AS TABLE
    SELECT count(*) FROM range(1_000_000_000) AS a, range(1_000_000) AS b WHERE a.range * b.range % 7 = 3;
CREATE MACRO is_question(session, query) AS
    regexp_full_match(query, 'FROM (funnel|slow)\\(''[0-9-]{10}'', ''[0-9-]{10}''\\)');
SET GLOBAL quack_authorization_function = 'is_question';
"""


def main() -> None:
    with duckdb.connect(sys.argv[1]) as connection:
        for extension in ('httpfs', 'quack'):
            load_extension(connection, extension)
        connection.execute(_FUNNEL)
        print(_served(connection), flush=True)
        for line in sys.stdin:
            if line.strip() == 'interrupt':
                connection.interrupt()
            active = "SELECT query FROM quack_active_connections() WHERE state = 'active'"
            print(connection.execute(active).fetchall(), flush=True)


def _served(connection: duckdb.DuckDBPyConnection) -> str:
    """Serve on a free port: Quack refuses to have one chosen, and one that another server just left."""
    while True:
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            address = f'quack:localhost:{free.getsockname()[1]}'
        with suppress(duckdb.IOException):
            connection.execute(f"CALL quack_serve('{address}', token := 'only a test', disable_ssl := true)")
            return address


if __name__ == '__main__':
    main()
