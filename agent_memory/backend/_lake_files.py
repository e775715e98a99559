"""The files of a lake: merging small ones, and writing those anew whose rows must be gone from the bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent_memory.backend._lake_gate import end

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


_CATALOG = '__ducklake_metadata_lake'
"""What DuckLake calls the database of its catalog."""
_TABLES = (
    "SELECT format(''%I.%I'', schemaname, tablename) FROM pg_tables WHERE tablename LIKE ''ducklake\\_%'' ORDER BY 1"
)


def tidy(connection: DuckDBPyConnection) -> None:
    """Put rows of the catalog into files, merge small files, and remove files that were let go an hour ago."""
    _run(
        connection,
        "ducklake_flush_inlined_data('lake')",
        "ducklake_merge_adjacent_files('lake')",
        "ducklake_rewrite_data_files('lake')",
        "ducklake_expire_snapshots('lake', older_than => now() - INTERVAL 1 HOUR)",
        "ducklake_cleanup_old_files('lake', older_than => now() - INTERVAL 1 HOUR)",
        "ducklake_delete_orphaned_files('lake', older_than => now() - INTERVAL 1 HOUR)",
    )


def rewrite(connection: DuckDBPyConnection) -> None:
    """Leave no bytes of deleted rows in any file; nobody else may write meanwhile.

    Also removes files that no transaction committed: a writer that was killed leaves them.
    """
    _run(
        connection,
        "ducklake_flush_inlined_data('lake')",
        "ducklake_rewrite_data_files('lake', delete_threshold => 0)",
        "ducklake_expire_snapshots('lake', older_than => now())",
        "ducklake_cleanup_old_files('lake', cleanup_all => true)",
        "ducklake_delete_orphaned_files('lake', cleanup_all => true)",
    )


def vacuum(connection: DuckDBPyConnection) -> None:
    """Have PostgreSQL write the tables of the catalog anew, without the rows that were in them.

    Raises:
        duckdb.Error: Somebody reads one of them for longer than five seconds.
    """
    # Not in the lake: each statement that looks a name up there would keep a transaction of its own on the catalog open.
    cursor = connection.cursor()
    try:
        tables = cursor.execute(f"FROM postgres_query('{_CATALOG}', '{_TABLES}')").fetchall()
        # In one transaction, so that all of it runs in one session of PostgreSQL.
        cursor.begin()
        for statement in ('SET lock_timeout = 5000', *(f'VACUUM (FULL) {table}' for (table,) in tables)):
            cursor.execute(f"CALL postgres_execute('{_CATALOG}', ?, use_transaction => false)", [statement])
    finally:
        end(cursor)


def _run(connection: DuckDBPyConnection, *calls: str) -> None:
    for call in calls:
        # Counted, as the rows that some of them return have times with a zone, which Python reads with one more package.
        connection.execute(f'SELECT count(*) FROM {call}').fetchall()  # noqa: S608 - our own calls
