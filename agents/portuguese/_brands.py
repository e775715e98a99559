"""Brands wanted and refused, and the car given in exchange."""

from __future__ import annotations

from agent_memory.agents.portuguese._changes import added, dropped, replaced, stated
from agent_memory.agents.portuguese._data import word_set
from agent_memory.agents.portuguese._lexicon import Lexicon
from agent_memory.agents.portuguese._scene import Scene
from agent_memory.agents.portuguese._stance import Stance, decided, stances
from agent_memory.agents.portuguese._text import read_words
from agent_memory.agents.portuguese._vehicles import Mention, find_vehicles
from agent_memory.profile import Change

_ANY_BRAND = Lexicon(
    {
        True: 'qualquer marca | tanto faz .. marca | marca tanto faz | sem preferencia de marca | marca nao importa '
        '| marca .. indiferente '
        '| todas as marcas | nao .. preferencia de/por/com marca | nao ligo para marca | nao tenho marca | any brand '
        '| cualquier marca '
        '| marca qualquer | nao importa .. marca | independente de/da marca | aberto a qualquer marca | marca para '
        'mim tanto faz '
        '| qualquer uma das marcas | nao .. marca preferida | nao .. marca especifica'
    }
)
_ANY = Lexicon(
    {
        True: 'tanto faz | qualquer um/uma | qualquer | sem preferencia | nenhuma preferencia | nao tenho '
        'preferencia | nao tenho | indiferente | todas | '
        'nenhuma | nenhum | nao importa | tudo serve | whatever | any | no preference | me da igual | cualquiera | '
        'nao ligo | nao me importo'
    }
)
_EXCHANGE = Lexicon(
    {
        True: 'troca | trocar | trocando | troco | dou | dar | parte do? pagamento | de entrada | como entrada | '
        'pegam | aceitam | avaliam | pega '
        '| aceita | avalia | trade in | trade'
    }
)


def extract_brands(scene: Scene) -> list[Change]:
    """Return the changes of `brands`, `excluded_brands` and `trade_in`."""
    mentions, held = _settled(scene)
    changes = [*_exchange(scene, mentions, held), *_refused(scene, mentions, held)]
    return [*changes, *_wanted(scene, mentions, held)]


def _settled(scene: Scene) -> tuple[list[Mention], list[Stance]]:
    """Return the vehicles and the stances toward them; of those wanted, only what is left after corrections."""
    default: Stance = 'refuse' if scene.asks('refused') else 'own' if scene.asks('trade_in') else 'want'
    kept = {mention.start for mention in scene.last_said(scene.vehicles)}
    mentions: list[Mention] = []
    held: list[Stance] = []
    spans = [(mention.start, mention.end) for mention in scene.vehicles]
    for mention, stance in zip(scene.vehicles, stances(scene.words, spans, default), strict=True):
        if stance == 'own' and mention.vehicle.model is None and mention.vehicle.brand in scene.profile.brands:
            stance = 'remove'  # "troca Honda por Toyota" swaps wishes
        if stance == 'want' and _is_known_own(scene, mention):
            stance = 'own'
        if mention.start in kept or stance in ('own', 'remove'):
            mentions.append(mention)
            # "só a renault" answers which brand is refused.
            held.append('refuse' if stance == 'only' and scene.asks('refused') else stance)
    return mentions, decided(held)


def _is_known_own(scene: Scene, mention: Mention) -> bool:
    """Return whether the car given in exchange is spoken of again: "os 24 mil do Palio"."""
    vehicle, own = mention.vehicle, scene.profile.trade_in or ''
    another = any(word.text in _ANOTHER for word in scene.words[max(0, mention.start - 2) : mention.start])
    return vehicle.model is not None and not another and f'{own} '.startswith(f'{vehicle.brand} {vehicle.model} ')


def _same_brand(scene: Scene) -> list[str]:
    """Return the brand of the car given in exchange when the next is to be "da mesma marca"."""
    if scene.profile.trade_in is None or _SAME_BRAND.within(scene.words) is None:
        return []
    return [mention.vehicle.brand for mention in find_vehicles(read_words([scene.profile.trade_in]))][:1]


_SAME_BRAND = Lexicon({True: 'mesmo/mesma marca | mesmo/mesma montadora'})
_ANOTHER = word_set('outro outra novo nova quero queria')


def _wanted(scene: Scene, mentions: list[Mention], held: list[Stance]) -> list[Change]:
    named = list(zip(mentions, held, strict=True))
    removed = [
        mention.vehicle.brand for mention, stance in named if stance == 'remove' and mention.vehicle.model is None
    ]
    only = [mention.vehicle.brand for mention, stance in named if stance == 'only']
    wanted = [mention.vehicle.brand for mention, stance in named if stance in ('want', 'only', 'want_back')]
    wanted += _same_brand(scene)
    wanted = [brand for brand in wanted if brand not in removed]
    if only:
        return replaced('brands', wanted)
    forgiven = all(brand in scene.profile.excluded_brands for brand in wanted)
    if wanted and mentions and not forgiven and scene.profile.brands and scene.replaces(mentions[0].start):
        return replaced('brands', wanted)
    changes = dropped(scene.profile, 'brands', removed)
    if not wanted and (_ANY_BRAND.within(scene.words) or (scene.asks('brands') and _ANY.within(scene.words[:6]))):
        changes = dropped(scene.profile, 'brands')
    return [*changes, *added('brands', wanted)]


def _refused(scene: Scene, mentions: list[Mention], held: list[Stance]) -> list[Change]:
    brands = [
        mention.vehicle.brand
        for mention, stance in zip(mentions, held, strict=True)
        if mention.vehicle.model is None
        and (stance == 'refuse' or (stance == 'remove' and mention.vehicle.brand not in scene.profile.brands))
    ]
    known = set(scene.profile.excluded_brands)
    taken_back = [
        mention.vehicle.brand
        for mention, stance in zip(mentions, held, strict=True)
        if stance == 'remove' and mention.vehicle.brand in known
    ]
    refused = added('excluded_brands', [brand for brand in brands if brand not in taken_back])
    return [*dropped(scene.profile, 'excluded_brands', taken_back), *refused]


def _exchange(scene: Scene, mentions: list[Mention], held: list[Stance]) -> list[Change]:
    own = [mention for mention, stance in zip(mentions, held, strict=True) if stance == 'own']
    if not own or not (scene.asks('trade_in') or _EXCHANGE.within(scene.words)):
        return []
    mention = own[-1]
    vehicle = mention.vehicle
    year = next((word.raw for word in scene.words[mention.end : mention.end + 2] if is_year(word.number)), None)
    return [stated(scene.profile, 'trade_in', ' '.join(filter(None, (vehicle.brand, vehicle.model, year))))]


def is_year(number: float | None) -> bool:
    """Return whether a bare number reads as the year of a car."""
    return number is not None and number.is_integer() and 1950 <= number <= 2035
