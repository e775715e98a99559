"""What is struck out of text before it leaves the process: what looks personal, and what is known to be."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, cast

STRUCK = '[…]'

_PATTERNS = re.compile(
    r'[\w.+-]+@[\w-]+(?:\.[\w-]+)+'  # e-mail
    r'|wamid\.[\w+/=-]+'  # holds the phone number in base64
    r'|\b\d{3}\.?\d{3}\.?\d{3}[-/ ]?\d{2}\b'  # CPF
    r'|\b\d{2}\.?\d{3}\.?\d{3}/?\d{4}-?\d{2}\b'  # CNPJ
    r'|\+?(?:\d[\s().-]{0,2}){8,15}\d\b'  # phone, with or without country and area
    r'|\b\d{5}-\d{3}\b'  # CEP
    r'|\b[A-Za-z]{3}-?\d[A-Za-z\d]\d{2}\b'  # number plate
)
_MOST = 20_000
"""Known values that are kept, the newest; a contact leaves about ten."""
_SHORTEST = 3


class Redaction:
    """Strikes personal data out of texts; learns from profiles what else is personal."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, None] = OrderedDict()
        self._compiled: re.Pattern[str] | None = None

    def learn(self, values: Iterable[Any]) -> None:
        """Strike these from now on: names, places and amounts of a person. Members of enumerations say nothing."""
        for value in values:
            for pattern in _written(value):
                if pattern not in self._known:
                    self._known[pattern] = None
                    self._compiled = None
                self._known.move_to_end(pattern)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
            self._compiled = None

    def text(self, text: str) -> str:
        """Return `text` without what is personal."""
        struck = _PATTERNS.sub(STRUCK, text)
        if not self._known:
            return struck
        if self._compiled is None:
            # The longest first: a full name before its first word.
            self._compiled = re.compile('|'.join(sorted(self._known, key=len, reverse=True)), re.IGNORECASE)
        return self._compiled.sub(STRUCK, struck)

    def value(self, value: Any) -> Any:
        """Return an attribute of a span without what is personal."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Sequence) and not isinstance(value, bytes):
            return tuple(self.value(one) for one in cast('Sequence[Any]', value))
        return value


def _written(value: Any) -> Iterable[str]:
    """Yield patterns of how a value may be written: accents or escapes of JSON, amounts with any separators."""
    if isinstance(value, bool | Enum) or value is None:
        return
    if isinstance(value, Mapping):
        for one in cast('Mapping[str, Any]', value).values():
            yield from _written(one)
    elif isinstance(value, list | tuple | set | frozenset):
        for one in cast('Iterable[Any]', value):
            yield from _written(one)
    elif isinstance(value, int | float):
        yield from _amount(int(value))
    elif isinstance(value, str) and len(value) >= _SHORTEST:
        yield from _words(value)


def _amount(amount: int) -> Iterable[str]:
    digits = str(abs(amount))
    if len(digits) < _SHORTEST:
        return
    yield rf'(?<!\d){"[ .,]?".join(digits)}(?!\d)'
    if amount % 1000 == 0:
        yield rf'(?<!\d){digits[:-3]}\s?(?:mil|k)\b'


def _words(value: str) -> Iterable[str]:
    plain = ''.join(c for c in unicodedata.normalize('NFD', value) if not unicodedata.combining(c))
    for form in dict.fromkeys((value, plain, value.encode('ascii', 'backslashreplace').decode(), _as_json(value))):
        yield rf'(?<!\w){re.escape(form)}(?!\w)'
    for word in value.split():
        if len(word) > _SHORTEST and ' ' in value:
            yield from _words(word)


def _as_json(value: str) -> str:
    return json.dumps(value)[1:-1]
