"""How cars of the catalogue are put into words, in Brazilian Portuguese. Every figure is the catalogue's own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from agent_memory.agents._replies import KNOW_MORE
from agent_memory.agents._wishes import OFFERS_VISIT, Best, Facet
from agent_memory.agents._wording import BODIES, PRIORITIES, USES, money
from agent_memory.catalogue import Car, Comparison, Details, Found, Match, Reason
from agent_memory.lead import BodyType, MainUse, Priority

NONE_FITS = 'Não encontrei nenhum carro no estoque com tudo o que você pediu.'
ASK_CONSULTANT = 'Não consigo consultar o estoque agora. Posso chamar um consultor para te mandar as opções?'
STALE = 'O estoque pode ter mudado; um consultor confirma.'
_FOUND = 'Encontrei'
_MOST_REASONS = 3
_GIVE_UP = {
    'budget_max': 'aumentando o valor máximo',
    'brands': 'aceitando outras marcas',
    'excluded_brands': 'aceitando as marcas que você descartou',
    'body_types': 'aceitando outro tipo de carro',
}
_BEST: dict[Best, str] = {
    'price': 'O mais barato deles:',
    'year': 'O mais novo deles:',
    'km': 'O menos rodado deles:',
    'match': 'O que mais combina com o que você me contou:',
}
_GEARBOXES = {'automatic': 'automático', 'manual': 'manual'}


def say_found(said: Any) -> str:
    """Return the answer to a search: at most five cars with reasons, or what to relax."""
    if isinstance(said, str):
        return ASK_CONSULTANT
    found = Found.model_validate(said)
    if not found.matches:
        return _relaxations(found)
    opening = f'{_FOUND} este carro para você:' if len(found.matches) == 1 else f'{_FOUND} estas opções para você:'
    lines = [f'{place}) {_line(match)}' for place, match in enumerate(found.matches, start=1)]
    return '\n'.join([opening, *lines, *([STALE] if found.stale else []), KNOW_MORE])


def same_cars(said: Any, told: str) -> bool:
    """Return whether a search found just the cars of the last list in `told`, or as many that it told of before."""
    if said is None or isinstance(said, str):
        return False
    matches = Found.model_validate(said).matches
    last = told.rpartition(_FOUND)[2].partition(KNOW_MORE)[0]
    listed = len(re.findall(r'^\d\) ', last, re.MULTILINE))
    return len(matches) == listed and all(_facts(match.car) in told for match in matches)


def say_details(said: Any) -> str:
    """Return one car in full."""
    if isinstance(said, str):
        return ASK_CONSULTANT
    details = Details.model_validate(said)
    car = details.car
    facts = [f'{_thousands(car.km)} km', f'câmbio {_GEARBOXES.get(car.gearbox, car.gearbox)}', car.fuel, car.color]
    extras = f' Tem {", ".join(car.features)}.' if car.features else ''
    stale = f' {STALE}' if details.stale else ''
    return (
        f'{car.title}: {money(car.price)}, {", ".join(fact for fact in facts if fact)}, em {car.city}/{car.state}.'
        f'{extras}{stale} {OFFERS_VISIT} para ver este carro?'
    )


def say_best(said: Any, by: Best) -> str:
    """Return the car that is the best of those that were shown, in full."""
    return f'{_BEST[by]} {say_details(said)}'


def say_facet(said: Any, facet: Facet) -> str:
    """Return one thing about the car in play."""
    if isinstance(said, str):
        return ASK_CONSULTANT
    details = Details.model_validate(said)
    car = details.car
    known: dict[Facet, str] = {
        'color': f'a cor é {car.color}' if car.color else '',
        'km': f'rodou {_thousands(car.km)} km',
        'year': f'o ano é {car.year}',
        'price': f'o preço é {money(car.price)}',
        'gearbox': f'o câmbio é {_GEARBOXES.get(car.gearbox, car.gearbox)}',
        'fuel': f'o combustível é {car.fuel}' if car.fuel else '',
        'place': f'está em {car.city}/{car.state}',
        'features': f'tem {", ".join(car.features)}' if car.features else '',
    }
    told = known[facet] or 'isso um consultor te confirma'
    return ' '.join(
        part for part in (f'{car.title}: {told}.', STALE if details.stale else '', f'{OFFERS_VISIT}?') if part
    )


def say_comparison(said: Any) -> str:
    """Return two or three cars side by side."""
    if isinstance(said, str):
        return ASK_CONSULTANT
    comparison = Comparison.model_validate(said)
    lines = [f'- {_facts(match.car)}' for match in comparison.matches]
    titles = {match.car.id: match.car.title for match in comparison.matches}
    wins = [
        f'{what}: {titles[comparison.best[scale]]}'
        for scale, what in (
            ('price', 'Mais barato'),
            ('km', 'Menos rodado'),
            ('score', 'Mais parecido com o que você pediu'),
        )
        if scale in comparison.best
    ]
    stale = [STALE] if comparison.stale else []
    return '\n'.join(['Lado a lado:', *lines, *wins, *stale, 'Qual deles te agrada mais?'])


def _relaxations(found: Found) -> str:
    options = [
        f'{" e ".join(_GIVE_UP[field] for field in one.fields)}, {_count(one.count)} a partir de {money(one.cheapest)}'
        for one in found.relax[:3]
    ]
    if not options:
        return f'{NONE_FITS} Quer que eu chame um consultor?'
    return f'{NONE_FITS} Mas {"; ou ".join(options)}. O que você prefere mudar?'


def _count(cars: int) -> str:
    return 'há 1 opção' if cars == 1 else f'há {cars} opções'


def _line(match: Match) -> str:
    reasons = _worded(match.reasons)
    return f'{_facts(match.car)}{f": {reasons}" if reasons else ""}'


def _facts(car: Car) -> str:
    return f'{car.title}, {_thousands(car.km)} km, {money(car.price)}, {car.city}/{car.state}'


def _worded(reasons: Sequence[Reason]) -> str:
    ranked = sorted(reasons, key=lambda reason: _RANK.index(reason.field) if reason.field in _RANK else len(_RANK))
    return ', '.join([text for reason in ranked if (text := _reason(reason))][:_MOST_REASONS])


_RANK = ('budget_max', 'main_use', 'priorities', 'city', 'state', 'body_types', 'brands')


def _reason(reason: Reason) -> str:
    match reason.field:
        case 'budget_max':
            return 'cabe no seu orçamento'
        case 'main_use':
            return f'bom para {USES[MainUse(str(reason.value))]}'
        case 'priorities':
            return PRIORITIES[Priority(str(reason.value))]
        case 'city':
            return 'na sua cidade'
        case 'state':
            return 'no seu estado'
        case 'body_types':
            return BODIES[BodyType(str(reason.value))]
        case 'brands':
            return 'da marca que você quer'
        case _:
            return ''


def _thousands(number: int) -> str:
    return f'{number:,}'.replace(',', '.')
