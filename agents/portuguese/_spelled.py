"""Numbers written in words, read by text2num: Portuguese, and the English and Spanish that Brazilian leads mix in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, cast

import text_to_num  # pyright: ignore[reportMissingTypeStubs]  # it has none

Language = Literal['pt', 'en', 'es', 'any']

_alpha2digit = cast('Callable[..., str]', cast(Any, text_to_num).alpha2digit)

_MISSPELLED = {
    'cincoenta': 'cinquenta',
    'sinquenta': 'cinquenta',
    'cinquents': 'cinquenta',
    'secenta': 'sessenta',
    'sesenta': 'sessenta',
    'quarent': 'quarenta',
    'corenta': 'quarenta',
    'dezeseis': 'dezesseis',
    'dezesete': 'dezessete',
    'oitneta': 'oitenta',
    'trintaa': 'trinta',
    'vintee': 'vinte',
}
_WORDS: dict[Language, str] = {
    # Words that every language shares, or that only make sense beside another number word.
    'any': 'mil',
    'pt': ' '.join(_MISSPELLED)
    + ' dois duas tres quatro cinco seis sete oito nove dez onze doze treze catorze quatorze quinze dezesseis '
    'dezessete dezoito dezenove vinte trinta quarenta cinquenta sessenta setenta oitenta noventa cem cento duzentos '
    'duzentas trezentos trezentas quatrocentos quatrocentas quinhentos quinhentas seiscentos seiscentas setecentos '
    'setecentas oitocentos oitocentas novecentos novecentas',
    'en': 'two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen '
    'eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand',
    'es': 'cuatro siete ocho nueve diez veinte veinticinco treinta cuarenta cincuenta sesenta ochenta cien ciento',
}
LANGUAGE_OF: dict[str, Language] = {word: language for language, words in _WORDS.items() for word in words.split()}
"""The language of each number word."""


def read_spelled(words: Sequence[str]) -> list[tuple[str, float | None]]:
    """Return the words with numbers read: `['quarenta', 'e', 'cinco', 'mil']` is `[('45000', 45000.0)]`."""
    languages = {LANGUAGE_OF.get(word, 'any') for word in words} - {'any'}
    language = next(iter(sorted(languages)), 'pt')
    if language != 'es':
        words = [_MISSPELLED.get(word, word) for word in words]
    text = _alpha2digit(' '.join(words), language, threshold=0)
    return [(word, float(word) if word.isdecimal() else None) for word in text.split()]
