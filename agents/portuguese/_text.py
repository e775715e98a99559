"""One turn as words: folded, expanded, with numbers read, shared by every extractor."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from agent_memory.agents.portuguese._data import word_set
from agent_memory.agents.portuguese._foreign import foreign_phrases
from agent_memory.agents.portuguese._spelled import LANGUAGE_OF, read_spelled
from agent_memory.agents.portuguese._typos import mended

LONGEST = 4096
"""Characters of one turn that are read; WhatsApp itself allows no longer text message."""
MOST_WORDS = 1_000
"""Of one turn, signs included: 4,096 characters of speech are about 900."""

STEM = 3
"""Letters that the beginnings of words are indexed by."""

END = '⏎'
"""The word that ends a message of a burst, or a line."""
SENTENCE_ENDS = frozenset({'.', '!', '?', ';', END})


@dataclass(frozen=True, slots=True)
class Word:
    """One word, number or sign."""

    text: str
    """Lower case, without accents, abbreviations written out."""
    raw: str
    """As it was typed."""
    number: float | None = None
    spelled: bool = False
    """Whether the number was written in words."""


class Words(tuple[Word, ...]):
    """The words of one turn, indexed, so that a search costs what it finds and not what it passes."""

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """Where each word stands."""
        return _positions(word.text for word in self)

    @cached_property
    def stems(self) -> dict[str, list[int]]:
        """Where words begin with the same letters, by their first `STEM` letters."""
        return _positions(word.text[:STEM] for word in self)


def _positions(texts: Iterable[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for i, text in enumerate(texts):
        found.setdefault(text, []).append(i)
    return found


_TOKEN = re.compile(
    r'[rR]\$'
    r'|\d+(?:[.,]\d+)*'
    r'|[^\W\d_]+\d[^\W_]*'  # hb20, c3, t40
    r'|[^\W\d_]+'
    r'|[^\w\s]|_'
    r'|\n'
)
_THOUSANDS = re.compile(r'\d{1,3}(?:\.\d{3})+(?:,\d{1,2})?$')
_ENGLISH_THOUSANDS = re.compile(r'\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?$')
_DECIMAL = re.compile(r'\d+[.,]\d{1,2}$')
_DRAWN_OUT = re.compile(r'([a-z])\1{2,}')

_SENTENCE = 15
"""Words on each side that are looked at for the subject of a sentence."""
_O_FOR_ZERO = re.compile(r'(?<=\d)[oO]{1,3}(?=\s{0,2}(?:mil|k|reais)\b)')

_SHORT_FORMS = {
    word: full
    for full, words in {
        'voce': 'vc c6 voc ce oce vose',
        'voces': 'vcs ceis oces',
        'para': 'pra pro pras pros p',
        'nada': 'nd nda',
        'ninguem': 'ngm ngem',
        'quando': 'qnd qdo qd',
        'entao': 'ent entaum',
        'tanto': 'tnt',
        'aqui': 'aki',
        'tranquilo': 'trank tranks sussa',
        'desculpa': 'dsclp dsculpa desculpe',
        'brincadeira': 'brinks brinx zoas',
        'amanha': 'amh amnh',
        'nao': 'n nn naum nops ñ',
        'sim': 's ss sss simm',
        'estou': 'to tou',
        'esta': 'ta tah',
        'tambem': 'tb tbm tbem tmb tambm',
        'muito': 'mto mt mta muita muitos',
        'qualquer': 'qq qqr qlqr qlq qualqer quaisquer',
        'que': 'q ke',
        'hoje': 'hj',
        'verdade': 'vdd vdade',
        'mesmo': 'msm msmo mesma',
        'beleza': 'blz blza belezinha',
        'obrigado': 'obg obgd vlw brigado brigada obrigada valeu',
        'tudo': 'td tdo',
        'agora': 'agr',
        'depois': 'dps',
        'porque': 'pq',
        'quanto': 'qto qnto qnt',
        'mensagem': 'msg',
        'mensagens': 'msgs msgns',
        'maximo': 'max maxx',
        'minimo': 'min',
        'quero': 'qro qero keru kero qr',
        'quilometros': 'kms',
        'gente': 'gnt',
        'pessoa': 'pssoa',
        'automatico': 'autom automatiquinho',
        'santo': 'sto',
        'santa': 'sta',
        'com': 'c',
        'e': 'eh',
        'comigo': 'cmg',
        'demais': 'dms',
        'favor': 'pfv pfvr',
        'so': 'soh',
        'menos': 'menas',
        'ate': 'atee atr',
        'mil': 'mill miu',
        'sedan': 'seda sedam sedans sedas cedan',
        'hatch': 'hatchzinho hatchinho rachi rach hatchs hatchback hach hetch hatche hatchi hatchbacks rache',
        'suv': 'suvs suve',
        'picape': 'pickup pickups picapes pickape pikape picap picapi',
        'caminhonete': 'caminhonetinha camionetinha camionete camioneta caminhoneta caminhonetes camionetes',
    }.items()
    for word in words.split()
}


def fold(text: str) -> str:
    """Return `text` in lower case and without accents, other characters kept."""
    text = text.lower()
    if text.isascii():
        return text
    return ''.join(c for c in unicodedata.normalize('NFKD', text) if not unicodedata.combining(c))


def read_words(messages: Sequence[str]) -> Words:
    """Return the words of one turn in Portuguese, each message closed by `END`."""
    return Words(_with_spelled_numbers(_in_portuguese(_typed(messages))))


def read_typed(messages: Sequence[str]) -> Words:
    """Return the words of one turn in the language they were typed in."""
    return Words(_with_spelled_numbers(_typed(messages)))


def _typed(messages: Sequence[str]) -> list[Word]:
    words: list[Word] = []
    room = LONGEST
    for message in messages:
        split = _split(message[:room])
        if len(words) > 1 and split and words[-2].raw.isdecimal() and split[0].text in _MULTIPLIERS | {'k'}:
            words.pop()  # "45", then "mil" as a message of its own
        words += split
        words.append(Word(END, ''))
        room = max(0, room - len(message))
    return words[:MOST_WORDS]


def _in_portuguese(words: list[Word]) -> list[Word]:
    said: list[Word] = []
    end = 0
    for start, after, phrase in foreign_phrases([fold(word.raw) for word in words]):
        said += words[end:start]
        said += [_word(part) for part in phrase.split()]
        end = after
    return [*said, *words[end:]] if end else words


def keys(text: str) -> tuple[str, ...]:
    """Return the folded words of a name as the reader would split them, without expanding abbreviations."""
    return tuple(fold(match) for match in _TOKEN.findall(text) if match[0].isalnum())


def longest_by_first(names: Iterable[str]) -> dict[str, int]:
    """Return for each first word of `names` how many words the longest name has."""
    longest: dict[str, int] = {}
    for name in names:
        first, *rest = name.split()
        longest[first] = max(longest.get(first, 0), 1 + len(rest))
    return longest


def sentence_around(words: Words, at: int) -> Words:
    """Return the words around a place up to the ends of its sentence, the sign that closes it included."""
    start = at
    while start and at - start < _SENTENCE and words[start - 1].text not in SENTENCE_ENDS:
        start -= 1
    end = at
    while end < len(words) and end - at < _SENTENCE and words[end].text not in SENTENCE_ENDS:
        end += 1
    return Words(words[start : end + 1])


def _split(message: str) -> list[Word]:
    words: list[Word] = []
    end = -1
    if message.isupper() and ' ' in message.strip():
        message = message.lower()  # who shouts tells nothing by capitals: "TO" is no Tocantins
    text = _O_FOR_ZERO.sub(lambda match: '0' * len(match[0]), unicodedata.normalize('NFC', message))
    for match in _TOKEN.finditer(text):
        raw = match.group()
        joined = match.start() == end
        end = match.end()
        if raw in _APOSTROPHES or (raw in '-‐' and joined and text[end : end + 1].isalpha()):
            continue
        word = _word(raw)
        if not word.text:
            continue  # an accent that stands alone
        if len(words) >= 2 and words[-1] is word and words[-2] is word:
            continue  # "kkk kkk kkk", a row of emoji: the third of a kind says nothing new
        words.append(word)
        _expand_slash(words)
    return words


@lru_cache(maxsize=8192)
def _word(raw: str) -> Word:
    if raw == '\n':
        return Word(END, raw)
    if raw[0].isdigit():
        return Word(fold(raw), raw, _number(raw))
    text = fold(raw)
    if text in ('–', '—'):
        text = '-'
    if text not in _SHORT_FORMS:
        text = _DRAWN_OUT.sub(r'\1', text)
    # In capitals these are the states Tocantins and Pará's neighbour, not short forms.
    if raw != 'TO':
        text = mended(_SHORT_FORMS.get(text, text))
    return Word(text, raw)


def _expand_slash(words: list[Word]) -> None:
    """Read `s/` as "sem"; `p/` and `c/` are already written out and only lose their slash."""
    if len(words) >= 2 and words[-1].raw == '/' and words[-2].raw.lower() in ('p', 'c', 's'):
        words.pop()
        if words[-1].raw.lower() == 's':
            words[-1] = Word('sem', 's/')


def _number(raw: str) -> float | None:
    if _THOUSANDS.match(raw):
        return float(raw.replace('.', '').replace(',', '.'))
    if _ENGLISH_THOUSANDS.match(raw):
        return float(raw.replace(',', ''))
    if _DECIMAL.match(raw):
        return float(raw.replace(',', '.'))
    if raw.isdecimal() and len(raw) <= 12 and (raw[0] != '0' or len(raw) == 1):
        return float(raw)
    return None


def _with_spelled_numbers(words: list[Word]) -> Iterable[Word]:
    """Yield the words with each run of number words joined into one number."""
    i = 0
    while i < len(words):
        run = _run(words, i)
        if run == i:
            yield words[i]
            i += 1
            continue
        raw = ' '.join(word.raw for word in words[i:run])
        for text, value in read_spelled([word.text for word in words[i:run]]):
            yield Word(text, raw if value is not None else text, value, value is not None)
        i = run


def _run(words: list[Word], start: int) -> int:
    """Return where the run of number words from `start` ends; `start` itself when there is none."""
    language = LANGUAGE_OF.get(words[start].text)
    if language is None or (start and words[start - 1].number is not None and words[start].text in _MULTIPLIERS):
        return start
    end = start
    i = start
    while i < len(words):
        text = words[i].text
        if LANGUAGE_OF.get(text) in (language, 'any') or (language == 'any' and text in LANGUAGE_OF):
            i += 1
            end = i
        elif text in ('e', 'y', 'and') and i + 1 < len(words) and words[i + 1].text in LANGUAGE_OF:
            i += 1
        elif i > start and _counts_one(words, i):
            i = end = i + 2
        else:
            break
    return end


def _counts_one(words: list[Word], at: int) -> bool:
    """Return whether "e um" ends a number, as in "quarenta e um mil"; in "um de quarenta e um de dez" it opens another thing."""
    joined = [word.text for word in words[at : at + 2]] in (['e', 'um'], ['e', 'uma'])
    if not joined or words[at - 1].text not in _TAKES_ONE:
        return False
    return at + 2 >= len(words) or words[at + 2].text in _COUNTED


_TAKES_ONE = word_set(
    'vinte trinta quarenta cinquenta sessenta setenta oitenta noventa cento duzentos trezentos quatrocentos quinhentos '
    'seiscentos setecentos oitocentos novecentos cincoenta sinquenta secenta sesenta quarent corenta'
)
_COUNTED = SENTENCE_ENDS | word_set(', mil k reais conto contos pau paus pila pilas mango mangos')
_APOSTROPHES = "'’`´"
_MULTIPLIERS = frozenset({'mil', 'milhao', 'milhoes', 'thousand', 'million'})
