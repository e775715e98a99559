"""What the business may say on WhatsApp, checked against the limits of the Cloud API before anything is sent.

Lengths are counted in UTF-16 units: Meta does not say what it counts, and no count of a text is larger.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent_memory.errors import InvalidInput

MAX_TEXT = 4096
MAX_BODY = 1024
"""Of a message with buttons (Cloud API, interactive reply buttons)."""
_MAX_EDGE = 60
"""Of a header or footer."""


@dataclass(frozen=True)
class TextMessage:
    body: str
    preview_url: bool = False

    def __post_init__(self) -> None:
        _check('the text', self.body, MAX_TEXT)

    def payload(self) -> dict[str, Any]:
        return {'type': 'text', 'text': {'body': self.body, 'preview_url': self.preview_url}}


@dataclass(frozen=True)
class ButtonsMessage:
    """A text with up to three buttons, as id -> title."""

    body: str
    buttons: Mapping[str, str]
    footer: str | None = None

    def __post_init__(self) -> None:
        _check('the text of a message with buttons', self.body, MAX_BODY)
        _count('buttons', self.buttons, 3)
        for id_, title in self.buttons.items():
            _check('the id of a button', id_, 256)
            _check('the title of a button', title, 20)
        if len(set(self.buttons.values())) < len(self.buttons):
            raise InvalidInput('two buttons have the same title')
        _check_footer(self.footer)

    def payload(self) -> dict[str, Any]:
        buttons = [{'type': 'reply', 'reply': {'id': id_, 'title': title}} for id_, title in self.buttons.items()]
        return _interactive('button', self.body, {'buttons': buttons}, self.footer)


@dataclass(frozen=True)
class Row:
    id: str
    title: str
    description: str | None = None

    def __post_init__(self) -> None:
        _check('the id of a row', self.id, 200)
        _check('the title of a row', self.title, 24)
        if self.description is not None:
            _check('the description of a row', self.description, 72)

    def payload(self) -> dict[str, str]:
        own = {'id': self.id, 'title': self.title}
        return own if self.description is None else {**own, 'description': self.description}


@dataclass(frozen=True)
class ListMessage:
    """A text with a button that opens a list of up to ten rows, in sections by title."""

    body: str
    button: str
    sections: Mapping[str, Sequence[Row]]
    footer: str | None = None

    def __post_init__(self) -> None:
        _check('the text of a list', self.body, MAX_TEXT)
        _check('the button of a list', self.button, 20)
        _count('sections', self.sections, 10)
        for title, rows in self.sections.items():
            if title or len(self.sections) > 1:
                _check('the title of a section', title, 24)
            _count('rows', rows, 10)
        rows = [row for rows in self.sections.values() for row in rows]
        _count('rows', rows, 10)
        if len({row.id for row in rows}) < len(rows):
            raise InvalidInput('two rows have the same id')
        _check_footer(self.footer)

    def payload(self) -> dict[str, Any]:
        sections: list[dict[str, Any]] = []
        for title, rows in self.sections.items():
            own = {'rows': [row.payload() for row in rows]}
            sections.append({'title': title, **own} if title else own)
        return _interactive('list', self.body, {'button': self.button, 'sections': sections}, self.footer)


Outbound = TextMessage | ButtonsMessage | ListMessage


def texts(body: str) -> list[TextMessage]:
    """Return a reply as one message, or as several when it is longer than one may be."""
    return [TextMessage(part) for part in split(markup(body))]


def split(body: str, limit: int = MAX_TEXT) -> list[str]:
    """Return `body` in parts of at most `limit`: cut between paragraphs, else lines, sentences or words."""
    parts: list[str] = []
    rest = body.strip()
    while length(rest) > limit:
        window = _first_units(rest, limit)
        cut = next((at for mark in ('\n\n', '\n', '. ', ' ') if (at := window.rfind(mark)) > 0), len(window))
        kept = rest[: cut + 1] if window[cut : cut + 2] == '. ' else rest[:cut]
        parts.append(kept.rstrip())
        rest = rest[len(kept) :].lstrip()
    return [*parts, rest] if rest else parts


def markup(body: str) -> str:
    """Return Markdown as WhatsApp writes it: `*bold*`, `~struck~`, links in words."""
    body = re.sub(r'\[([^\]\n]+)\]\((https?://[^)\s]+)\)', r'\1: \2', body)
    body = re.sub(r'^#{1,6}\s+(.+?)\s*#*$', r'*\1*', body, flags=re.MULTILINE)
    body = re.sub(r'\*\*([^*\n]+)\*\*', r'*\1*', body)
    return re.sub(r'~~([^~\n]+)~~', r'~\1~', body)


def length(text: str) -> int:
    """Return the length in UTF-16 units, in which an emoji counts two or more."""
    return len(text) if text.isascii() else len(text.encode('utf-16-le', 'surrogatepass')) // 2


def _first_units(text: str, limit: int) -> str:
    """Return the longest beginning of `text` of at most `limit` units, with no character cut in two."""
    return text.encode('utf-16-le', 'surrogatepass')[: 2 * limit].decode('utf-16-le', 'ignore')


def _check(what: str, text: str, limit: int) -> None:
    if not text.strip():
        raise InvalidInput(f'{what} is empty')
    if length(text) > limit:
        raise InvalidInput(f'{what} has {length(text)} characters; WhatsApp takes {limit}')


def _check_footer(footer: str | None) -> None:
    if footer is not None:
        _check('the footer', footer, _MAX_EDGE)


def _count(what: str, found: Sequence[Any] | Mapping[str, Any], most: int) -> None:
    if not 1 <= len(found) <= most:
        raise InvalidInput(f'there are {len(found)} {what}; WhatsApp takes 1 to {most}')


def _interactive(kind: str, body: str, action: dict[str, Any], footer: str | None) -> dict[str, Any]:
    interactive: dict[str, Any] = {'type': kind, 'body': {'text': body}, 'action': action}
    if footer is not None:
        interactive['footer'] = {'text': footer}
    return {'type': 'interactive', 'interactive': interactive}
