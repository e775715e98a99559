"""Days ahead that a turn names by month, by date, by year, or by a holiday, a season or another occasion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from agent_memory.agents.portuguese._data import read_rows, word_set
from agent_memory.agents.portuguese._lexicon import Lexicon
from agent_memory.agents.portuguese._text import Words

_MONTHS = {
    name: number
    for number, names in enumerate(
        [
            'janeiro/jan/january/enero',
            'fevereiro/fev/february/febrero',
            'marco/mar/march/marzo',
            'abril/abr/april',
            'maio/mai/may/mayo',
            'junho/jun/june/junio',
            'julho/jul/july/julio',
            'agosto/ago/august',
            'setembro/set/september/septiembre',
            'outubro/out/october/octubre',
            'novembro/nov/november/noviembre',
            'dezembro/dez/december/diciembre',
        ],
        start=1,
    )
    for name in names.split('/')
}
_LINKS = word_set(
    'em ate para de mes in por la so inicio final fim until by en e ou a comeco meados no na pelo pela nas antes depois apos passar prazo '
    'previsao finalzinho :'
)
_TURNS = Lexicon(
    {
        -1: 'antes de/do/da/das/dos | before',
        1: 'depois/apos de/do/da/das/dos/que? | apos | after | passar/passado/passada/passando o/a/os/as?',
    }
)
"""What is said before a time to mean the one before it or behind it."""
_MARGIN = 14
"""Days by which "antes do natal" and "depois do natal" are parted from the day itself."""
_MONTH = 31


@dataclass(frozen=True, slots=True)
class Ahead:
    """A time named in words `start` up to, not including, `end`."""

    days: int
    """From today."""
    start: int
    end: int


def find_dates(words: Words, today: date, *, asked: bool) -> list[Ahead]:
    """Return the times named; `asked` says that the agent asked for one, so that a bare "maio" is one."""
    found = [*_months(words, today, asked=asked), *_occasions(words, today, asked=asked)]
    return found + ([*_day_and_month(words, today), *_years(words, today)] if asked else [])


def _months(words: Words, today: date, *, asked: bool) -> list[Ahead]:
    found: list[Ahead] = []
    for i in sorted(i for name in _MONTHS.keys() & words.places.keys() for i in words.places[name]):
        before = [word.text for word in words[max(0, i - 3) : i]]
        name = words[i].text
        if before[-2:] == ['rio', 'de'] or name == 'may' or (not asked and (len(name) == 3 or before[-1:] == [])):
            continue
        if not asked and before[-1] not in _LINKS:
            continue
        found.append(Ahead(_until_month(words, i, today), i, i + 1))
    return found


def _until_month(words: Words, at: int, today: date) -> int:
    month = _MONTHS[words[at].text]
    if day := _day_before(words, at):
        return (_next(today, month, day) - today).days
    return ((month - today.month) % 12 + _turn(words, at)) * _MONTH


def _turn(words: Words, at: int) -> int:
    return _TURNS.within(words[max(0, at - 4) : at]) or 0


def _day_before(words: Words, at: int) -> int | None:
    """Return the day of "dia 20 de abril", said before the month at a place."""
    if at < 2 or words[at - 1].text != 'de':
        return None
    if words[at - 2].text == 'primeiro':
        return 1
    number = words[at - 2].number
    return int(number) if number is not None and number in range(1, 29) else None


def _next(today: date, month: int, day: int) -> date:
    return date(today.year + ((month, day) < (today.month, today.day)), month, day)


def _day_and_month(words: Words, today: date) -> list[Ahead]:
    """Read "30/04" and "mês 6"."""
    found: list[Ahead] = []
    for i in words.places.get('/', ()):
        if 0 < i < len(words) - 1 and words[i - 1].text.isdecimal() and words[i + 1].text.isdecimal():
            day, month = int(words[i - 1].text), int(words[i + 1].text)
            if 1 <= day <= 28 + 2 * (month != 2) and 1 <= month <= 12:
                found.append(Ahead((_next(today, month, day) - today).days, i - 1, i + 2))
    for i in words.places.get('mes', ()):
        month = words[i + 1].number if i + 1 < len(words) else None
        if month in range(1, 13):
            found.append(Ahead((int(month or 0) - today.month) % 12 * _MONTH, i, i + 2))
    return found


def _years(words: Words, today: date) -> list[Ahead]:
    """Read "só em 2027"; the year of today tells nothing."""
    return [
        Ahead(365 * int(word.number - today.year), i, i + 1)
        for i, word in enumerate(words)
        if word.number is not None and word.number in range(today.year + 1, today.year + 5)
    ]


@dataclass(frozen=True, slots=True)
class _Occasion:
    start: str
    end: str
    every: int
    """Years between one and the next, counted from 2026."""
    asked: bool
    """Whether the word means a time only where one was asked for."""


@cache
def _named() -> Lexicon[_Occasion]:
    return Lexicon(
        {
            _Occasion(row['start'], row['end'], int(row['every'] or 1), bool(row['asked'])): phrases
            for row, phrases in _grouped()
        }
    )


def _grouped() -> list[tuple[dict[str, str], str]]:
    """Return the rows of occasions, those of the same days as one."""
    groups: dict[tuple[str, ...], tuple[dict[str, str], list[str]]] = {}
    for row in read_rows('occasions.csv'):
        key = tuple(value for name, value in row.items() if name != 'phrase')
        groups.setdefault(key, (row, []))[1].append(row['phrase'])
    return [(row, ' | '.join(phrases)) for row, phrases in groups.values()]


def _occasions(words: Words, today: date, *, asked: bool) -> list[Ahead]:
    found: list[Ahead] = []
    for hit in _named().find(words):
        before = [word.text for word in words[max(0, hit.start - 2) : hit.start]]
        turn = _turn(words, hit.start)
        if asked or (not hit.value.asked and (turn or before[-1:] in (['no'], ['na']) or before in _UP_TO)):
            found.append(Ahead(_until_occasion(hit.value, today, turn), hit.start, hit.end))
    return found


_UP_TO = (['ate', 'o'], ['ate', 'a'], ['para', 'o'], ['para', 'a'])
"""What is said before an occasion; "pra Natal" is the city."""


def _until_occasion(occasion: _Occasion, today: date, turn: int) -> int:
    named = occasion.end if turn > 0 else occasion.start
    years = (year for year in range(today.year, today.year + 5) if (year - 2026) % occasion.every == 0)
    day = next(day for day in (_day_of(named, year) for year in years) if day >= today)
    return (day - today).days + _MARGIN * turn


def _day_of(named: str, year: int) -> date:
    """Return the day of a year that is written "12-25", "easter-47" or, the second Sunday of May, "05-sunday2"."""
    if named.startswith('easter'):
        return _easter(year) + timedelta(days=int(named.removeprefix('easter') or 0))
    month, _, day = named.partition('-')
    if not day.startswith('sunday'):
        return date(year, int(month), int(day))
    first = date(year, int(month), 1)
    return first + timedelta(days=6 - first.weekday() + 7 * (int(day[-1]) - 1))


def _easter(year: int) -> date:
    """Return Easter Sunday by the anonymous Gregorian algorithm (Nature, 20 April 1876)."""
    century, rest = divmod(year, 100)
    moon = (19 * (year % 19) + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    week = (32 + 2 * (century % 4) + 2 * (rest // 4) - moon - rest % 4) % 7
    month, day = divmod(moon + week - 7 * ((year % 19 + 11 * moon + 22 * week) // 451) + 114, 31)
    return date(year, month, day + 1)
