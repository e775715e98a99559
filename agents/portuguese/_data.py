"""The data files beside this package, and sets of words written as one line."""

from __future__ import annotations

import csv
from importlib.resources import files


def read_data(name: str) -> str:
    """Return the text of a data file."""
    return (files('agent_memory.agents.portuguese') / 'data' / name).read_text(encoding='utf-8')


def read_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file by column."""
    return list(csv.DictReader(read_data(name).splitlines()))


def read_phrases(name: str) -> dict[str, str]:
    """Return the phrases of a data file by what they mean; a meaning may have several lines."""
    phrases: dict[str, list[str]] = {}
    for line in read_data(name).splitlines()[1:]:
        meaning, _, said = line.partition(': ')
        phrases.setdefault(meaning, []).append(said)
    return {meaning: ' | '.join(said) for meaning, said in phrases.items()}


def word_set(text: str) -> frozenset[str]:
    """Return the words of `text`."""
    return frozenset(text.split())
