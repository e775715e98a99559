"""Text in SQL, for statements that take no parameters."""

from __future__ import annotations


def quoted(text: str) -> str:
    """Return `text` as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return `name` as the name of a table or column."""
    return '"' + name.replace('"', '""') + '"'
