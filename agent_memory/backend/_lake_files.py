"""The files of a lake: merging small ones, and writing those anew whose rows must be gone from the bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


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
    """Have PostgreSQL write the tables of the catalog anew, without the rows that were in them."""
    tables = connection.execute(
        "FROM postgres_query('gate', 'SELECT quote_ident(schemaname) || ''.'' || quote_ident(tablename) FROM pg_tables "
        "WHERE tablename LIKE ''ducklake_%'' ORDER BY 1')"
    ).fetchall()
    for (table,) in tables:
        connection.execute(
            "CALL postgres_execute('__ducklake_metadata_lake', ?, use_transaction => false)", [f'VACUUM (FULL) {table}']
        )


def _run(connection: DuckDBPyConnection, *calls: str) -> None:
    for call in calls:
        # Counted, as the rows that some of them return have times with a zone, which Python reads with one more package.
        connection.execute(f'SELECT count(*) FROM {call}').fetchall()  # noqa: S608 - our own calls
