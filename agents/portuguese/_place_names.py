"""Names of places in words: as one key, and the states among them."""

from __future__ import annotations

from agent_memory.agents.portuguese._gazetteer import REGIONS, STATES, UFS
from agent_memory.agents.portuguese._text import Word, Words, fold, longest_by_first

ALL_STATES = STATES | REGIONS
"""The states and the parts of one, by name."""
_STATE_NAMES = longest_by_first(ALL_STATES)


def key_of(words: Words, start: int, end: int) -> str:
    return ' '.join(as_name(word) for word in words[start:end])


def as_name(word: Word) -> str:
    """Undo what was read into a word that may be part of a name: Três Lagoas, the state TO."""
    return fold(word.raw) if word.spelled or word.text == 'estou' else word.text


def state_at(words: Words, at: int) -> tuple[str | None, int]:
    """Return the state named at a place, by its name or its two letters, and where the name ends."""
    for size in range(min(_STATE_NAMES.get(words[at].text, 0) if at < len(words) else 0, len(words) - at), 0, -1):
        name = ' '.join(word.text for word in words[at : at + size])
        if name in ALL_STATES and (name != 'para' or _is_para(words, at)):
            return ALL_STATES[name], at + size
    if at < len(words) and len(words[at].raw) == 2 and fold(words[at].raw).upper() in UFS:
        return fold(words[at].raw).upper(), at + 1
    return None, at


def _is_para(words: Words, at: int) -> bool:
    """Tell Pará from the preposition "para"."""
    before = words[at - 1].text if at else ''
    return 'á' in words[at].raw.lower() or before in ('no', 'do')
