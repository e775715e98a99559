"""Where the buyer lives: city and state."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import Literal

from agent_memory.agents.portuguese._changes import dropped, stated
from agent_memory.agents.portuguese._data import word_set
from agent_memory.agents.portuguese._gazetteer import REGIONS, STATES, UFS, Place, capital_of, closest, places
from agent_memory.agents.portuguese._lexicon import Hit, Lexicon
from agent_memory.agents.portuguese._people import FOR_THEM, KIN
from agent_memory.agents.portuguese._scene import Scene
from agent_memory.agents.portuguese._text import END, SENTENCE_ENDS, Word, Words, fold, longest_by_first
from agent_memory.profile import Change

Cue = Literal['home', 'away', 'kin', 'weak', 'region']

_CUES: Lexicon[Cue] = Lexicon(
    {
        'home': 'agora e | cidade/cidadezinha/municipio/lugar chamada/chamado/de/do/da? | a gente mora/vive/fica | a gente e de/do/da | pessoal aqui de | moro | moramos | mora | resido | residimos | vivo | vivemos | morando | morar | residente | sou | '
        'somos | falo | falando | '
        'aqui | estou em/no/na/aqui/morando | estamos em/no/na | fico em/no/na | cidade e? | mudei | mudando | me '
        'mudo | mudanca para | mudar para | '
        'live | living | based | moved/moving estou | resident of | from | i m in | soy | estoy | viviendo | vivo | natural de | minha cidade | cidade '
        ': | localizado | '
        'localizada | moradora/morador de/da/do | city is | me encontro | voce e de | e de | eu de | home | mudamos '
        '| cidade de | vim para | '
        'rodar em | buscar para',
        'away': 'endereco | voces em | trabalh* | estud* | trampar | faculdade | loja | lojas | filial '
        '| buscar | busco o/em/no/na/ai | buscaria | retirar | retiro | '
        'entrega* | viajar | viajo | viagem | viagens | ferias | praia em/de/do/da | vi um/uma? .. em | passear | '
        'passeio | morei | morava | nasci | nascido | comprei | compro | '
        'comprar em/no/na | vende* | vendi | placa | emplacado | fui | vou para | ir para/a | indo para | voltando | '
        'voces sao/ficam/estao/tem/entregam/atendem | '
        'vcs | sitio em | chacara em | fazenda em | casa de praia | frete | patio | unidade | visita* | evento | '
        'show | jogo | work in/at | works | '
        'onde .. voces | nao .. moro | nao .. sou | nao .. vivo | nao resido | sai de/do/da | vim de/do/da | tirei '
        'de | trouxe | trazer | passo por | bate e volta '
        '| ida e volta | estrada para/de | anuncio | servico em | trampo em | trampo',
        'kin': f'minha familia | meu/minha/nosso/nossa/o/a/um/uma {KIN} | {KIN} de',
        'weak': 'em | no | na | in | en | de | do | da | para | :',
        'region': 'zona norte/sul/leste/oeste/central | interior | litoral | estado | regiao | sul | norte | oeste | leste | sudoeste | noroeste | '
        'nordeste | sudeste | sertao | zona da mata | vale | serra gaucha | '
        'algum lugar | qualquer cidade | capital | grande | triangulo',
    }
)
_PART_OF_TOWN = Lexicon({True: 'zona norte/sul/leste/oeste/central'})
_NEARBY = Lexicon({True: 'perto | pertinho | proximo | proxima | lado | vizinha | near | cerca'})
_LIVES_THERE = Lexicon({True: 'moro/vivo/resido la/ai/nela/perto/proximo'})
_JOINTS = frozenset({',', '-', '/', '(', 'no', 'na', 'em', 'do', 'da', 'de', 'estado', ')', 'o', '–', 'uf', ':'})
_ON_A_VISIT = Lexicon({True: 'a trabalho/passeio/servico/negocios | de ferias/passagem/visita | so hoje | visitando'})
_LOOK_BACK = 5
_STATES = STATES | REGIONS
_STATE_NAMES = longest_by_first(_STATES)
_REGION_NAMES = longest_by_first(REGIONS)
_GUESSES = 6
"""Places of one turn where a misspelt city is looked for; each costs a pass over all names."""


@dataclass(frozen=True, slots=True)
class _Found:
    place: Place
    start: int
    end: int
    state: str | None
    """The state said beside the name."""
    strength: int
    slip: bool = False
    """Whether the name was written with a slip of the pen; one that was written right is believed more."""


def extract_place(scene: Scene) -> list[Change]:
    """Return the changes of `city` and `state`."""
    found = _without_districts(scene.words, [one for one in _cities(scene) if one.strength > 0])
    if found:
        return _to_city(scene, _best(scene, found))
    state = _state_alone(scene)
    if state and (scene.words.places.get('capital') or _PART_OF_TOWN.within(scene.words)):
        return [stated(scene.profile, 'city', capital_of(state)), stated(scene.profile, 'state', state)]
    return _to_state(scene, state) if state else []


def _without_districts(words: Words, found: list[_Found]) -> list[_Found]:
    """Leave out a district named before its city: "Recreio, no Rio" is not the town of Recreio."""
    kept: list[_Found] = []
    for one in found:
        if kept and one.place.capital and not kept[-1].state:
            between = {word.text for word in words[kept[-1].end : one.start]}
            if between <= {',', 'em', 'no', 'na', '-', '/'} and between:
                one = replace(one, strength=max(one.strength, kept.pop().strength))
        kept.append(one)
    return kept


def _to_city(scene: Scene, found: _Found) -> list[Change]:
    changes = [stated(scene.profile, 'city', found.place.city)]
    state = found.state or found.place.state
    if state is None and _state_alone(scene) in found.place.states:
        state = _state_alone(scene)
    known = scene.profile.state
    if state is None and known is not None and known.value in found.place.states:
        return changes
    if state is None:
        return [*changes, *dropped(scene.profile, 'state')]
    return [*changes, stated(scene.profile, 'state', state)]


def _to_state(scene: Scene, state: str) -> list[Change]:
    changes = [stated(scene.profile, 'state', state)]
    city = scene.profile.city
    place = places()[0].get(fold(city).replace('-', ' ')) if city else None
    if place and state not in place.states:
        changes = [*dropped(scene.profile, 'city'), *changes]
    return changes


def _best(scene: Scene, found: list[_Found]) -> _Found:
    """Return the strongest, the last of equals; what a correction follows is out."""
    places_of = scene.corrections
    if places_of and any(one.start > places_of[-1] for one in found):
        found = [one for one in found if one.start > places_of[-1]]
    if any(not one.slip for one in found):
        found = [one for one in found if not one.slip]
    top = max(one.strength for one in found)
    return [one for one in found if one.strength == top][-1]


def of_places(scene: Scene) -> frozenset[int]:
    """Return the places of the words that name a city: the beach of "Praia Grande" is no use of a car."""
    return frozenset(
        i for one in _cities(scene) if one.strength > 0 or one.end - one.start > 1 for i in range(one.start, one.end)
    )


def _cities(scene: Scene) -> list[_Found]:
    words = scene.words
    known, longest = places()
    cues = _CUES.find(words)
    guesses = _GUESSES
    found: list[_Found] = []
    i = 0
    while i < len(words):
        if (region := _region_end(words, i)) > i:
            i = region
            continue
        one = None
        for size in range(min(longest.get(_as_name(words[i]), 0), len(words) - i), 0, -1):
            place = known.get(_key(words, i, i + size))
            if place and not _begins_state(words, i, i + size):
                one = _weigh(scene, cues, place, i, i + size)
                break
        if one is None and guesses and _may_be_slip(scene, cues, i):
            guesses -= 1
            one = _misspelt(words, i)
        if one is None:
            i += 1
            continue
        found.append(one)
        i = max(one.end, i + 1)
    return found


def _region_end(words: Words, at: int) -> int:
    """Return where a part of a state ends that is named at a place: "ABC paulista" is not the city of Paulista."""
    if words[at].text not in _REGION_NAMES:
        return at
    state, after = state_at(words, at)
    return after if state and _key(words, at, after) in REGIONS else at


def _begins_state(words: Words, start: int, end: int) -> bool:
    """Return whether a name is the beginning of a state's: Rio Grande do Sul."""
    return end - start > 1 and state_at(words, start)[1] > end


def _key(words: Words, start: int, end: int) -> str:
    return ' '.join(_as_name(word) for word in words[start:end])


def _as_name(word: Word) -> str:
    """Undo what was read into a word that may be part of a name: Três Lagoas, the state TO."""
    return fold(word.raw) if word.spelled or word.text == 'estou' else word.text


def _weigh(scene: Scene, cues: list[Hit[Cue]], place: Place, start: int, end: int) -> _Found | None:
    words = scene.words
    state, after = _state_beside(words, end, place)
    cue = _cue(words, cues, start)
    asked = scene.asks('city')
    alone = _alone(words, start, after)
    if place.city in ('São Paulo', 'Rio de Janeiro') and state is None and _is_region(words, cues, start):
        return None
    if start in scene.of_vehicles and cue != 'home' and not state and not (asked and alone):
        return None
    if after < len(words) and _ON_A_VISIT.at(words, after):
        return _Found(place, start, after, state, 0)
    strength = _strength(scene, words, place, cue, state=state, alone=alone, start=start, end=end)
    return _Found(place, start, after, state, strength)


def _strength(
    scene: Scene, words: Words, place: Place, cue: Cue | None, *, state: str | None, alone: bool, start: int, end: int
) -> int:
    if scene.asks('elsewhere') and cue != 'home':
        return 0
    if cue == 'kin':
        return 1 if FOR_THEM.within(words) else 0
    if cue == 'away':
        return 2 if _LIVES_THERE.within(words) else 0
    if cue == 'home':
        return 1 if _NEARBY.within(words[max(0, start - 3) : start]) else 4
    if state or (scene.asks('city') and alone):
        return 3
    if scene.asks('city') and scene.bare:
        return 2
    return _bare_strength(scene, place, cue, alone=alone, start=start, end=end)


def _bare_strength(scene: Scene, place: Place, cue: Cue | None, *, alone: bool, start: int, end: int) -> int:
    """Return how much a name counts that nobody said is a home."""
    words = scene.words
    before = words[start - 1].text if start else END
    if alone and place.capital and len(words) <= 3 and not scene.asks('name', 'person', 'urgency'):
        return 1  # nothing but a capital's name, whatever was asked
    if place.everyday:
        return 1 if before == 'em' and words[start].raw[:1].isupper() and scene.profile.city is None else 0
    if before in ('em', 'in', 'en'):
        # Where something happens is a home only while none is known.
        return 2 if scene.profile.city is None or scene.corrections else 0
    if _NEARBY.within(words[max(0, start - 2) : start]):
        return 1 if scene.profile.city is None else 0
    if before in ('no', 'na') and cue == 'weak':
        # "na chácara" is any farm, "na Chácara" the town; few towns take an article.
        return 2 if place.capital or words[start].raw[:1].isupper() else 0
    multiword = end - start > 1
    if before == END and multiword:
        return 1
    telling = alone and (multiword or place.capital or len(words[start].text) > 4)
    return 1 if telling and scene.topics <= {'city', 'state', 'car', 'body'} else 0


def _cue(words: Words, cues: list[Hit[Cue]], start: int) -> Cue | None:
    """Return the nearest cue before a name in its sentence; a preposition only when nothing stronger is near."""
    weak: Cue | None = None
    for hit in reversed(cues[: bisect_right(cues, start, key=_end)]):
        between = words[hit.end : start]
        if len(between) > _LOOK_BACK or any(
            word.text in SENTENCE_ENDS or word.text in (',', 'mas') for word in between
        ):
            return weak
        if hit.value not in ('weak', 'region'):
            return _kin_or(words, cues, hit)
        weak = 'weak'
    return weak


def _end(hit: Hit[Cue]) -> int:
    return hit.end


def _kin_or(words: Words, cues: list[Hit[Cue]], hit: Hit[Cue]) -> Cue:
    """Read "minha mãe mora em" as the home of somebody else, who counts when the car is for them."""
    if hit.value != 'home' or words[hit.start].text not in ('mora', 'e', 'morando', 'aqui'):
        return hit.value
    for other in cues[bisect_right(cues, hit.start - 4, key=_end) : bisect_right(cues, hit.start, key=_end)]:
        if other.value == 'kin':
            return 'home' if FOR_THEM.within(words) else 'kin'
    return hit.value


def _is_region(words: Words, cues: list[Hit[Cue]], start: int) -> bool:
    for hit in cues:
        if (
            hit.value == 'region'
            and hit.end <= start
            and start - hit.end <= 2
            and words[hit.start].text not in ('capital', 'zona', 'grande')
        ):
            return True
    return False


def _alone(words: Words, start: int, end: int) -> bool:
    """Return whether a name is all that its part of the sentence says."""
    before = words[start - 1].text if start else END
    after = words[end].text if end < len(words) else END
    if before in ('em', 'de', 'no', 'na', 'e') and start:
        before = words[start - 2].text if start > 1 else END
    return (start == 0 or before in SENTENCE_ENDS | {',', ':', '*'}) and after in SENTENCE_ENDS | {',', ')'}


def _state_beside(words: Words, end: int, place: Place) -> tuple[str | None, int]:
    at = end
    while at < len(words) and at - end < 3 and words[at].text in _JOINTS:
        at += 1
    state, after = ('RJ', at + 1) if at < len(words) and words[at].text == 'rio' else state_at(words, at)
    if state and (state in place.states) and (at > end or after):
        return state, after
    return None, end


def state_at(words: Words, at: int) -> tuple[str | None, int]:
    """Return the state named at a place, by its name or its two letters, and where the name ends."""
    for size in range(min(_STATE_NAMES.get(words[at].text, 0) if at < len(words) else 0, len(words) - at), 0, -1):
        name = ' '.join(word.text for word in words[at : at + size])
        if name in _STATES and (name != 'para' or _is_para(words, at)):
            return _STATES[name], at + size
    if at < len(words) and len(words[at].raw) == 2 and fold(words[at].raw).upper() in UFS:
        return fold(words[at].raw).upper(), at + 1
    return None, at


def _is_para(words: Words, at: int) -> bool:
    """Tell Pará from the preposition "para"."""
    before = words[at - 1].text if at else ''
    return 'á' in words[at].raw.lower() or before in ('no', 'do')


def _may_be_slip(scene: Scene, cues: list[Hit[Cue]], start: int) -> bool:
    """Return whether a home is being told here; slips of the pen are never looked for in free text."""
    words = scene.words
    if not words[start].text.isalpha() or len(words[start].text) < 4 or words[start].text in _NOT_NAMES:
        return False
    if words.places.get('?'):  # who asks tells no home
        return False
    cue = _cue(words, cues, start)
    before = words[start - 1].text if start else END
    told = cue == 'home' and before in ('em', 'de', 'in', 'no', 'na', 'para', 'aqui')
    return told or (scene.asks('city') and scene.bare and cue != 'away')


def _misspelt(words: Words, start: int) -> _Found | None:
    for size in (4, 3, 2, 1):
        if start + size > len(words) or not all(word.text.isalpha() for word in words[start : start + size]):
            continue
        place = closest(' '.join(word.text for word in words[start : start + size]))
        if place:
            state, after = _state_beside(words, start + size, place)
            return _Found(place, start, after, state, 3, slip=True)
    return None


_NOT_NAMES = word_set(
    'moro morando cidade bairro casa perto regiao interior aqui mesmo tudo nada sim nao centro capital zona '
    'estado apartamento parana minas bahia goias ceara maranhao sergipe alagoas amazonas voce agora hoje estou '
    'falo resido para como minha minhas meus nossa nosso nossos esposa marido mulher filha filho gente pessoa '
    'trabalho trabalhar lado norte leste oeste praia rural depois antes ainda quando sempre tambem muito pouco '
    'ontem amanha depende interessa importa serve aonde onde nenhuma nenhum qualquer tanto digo quero'
)


def _state_alone(scene: Scene) -> str | None:
    words = scene.words
    cues = _CUES.find(words)
    asked = scene.asks('state', 'city')
    found: str | None = None
    i = 0
    while i < len(words):
        state, after = state_at(words, i)
        if state is None:
            i += 1
            continue
        if _tells_home(scene, cues, i, after, asked=asked):
            found = state
        i = after
    return found


def _tells_home(scene: Scene, cues: list[Hit[Cue]], start: int, end: int, *, asked: bool) -> bool:
    words = scene.words
    before = words[start - 1].text if start else END
    cue = _cue(words, cues, start)
    letters = end - start == 1 and len(words[start].raw) == 2
    if cue in ('away', 'kin'):
        return False
    if asked and (_alone(words, start, end) or scene.bare):
        return not letters or _alone(words, start, end) or before in ('no', 'na', 'em', 'do', 'da', 'de')
    linked = before in ('em', 'no', 'na', 'do', 'da', 'de', 'in')
    if not linked:
        return letters and words[start].raw.isupper() and len(words) == 2
    capitals = words[start].raw.isupper() or words[start].text in (
        'sp',
        'rj',
        'mg',
        'pr',
        'sc',
        'rs',
        'ba',
        'go',
        'df',
        'pe',
        'ce',
    )
    return (cue == 'home' or (cue == 'weak' and before in ('em', 'in')) or _is_region(words, cues, start)) and (
        not letters or capitals
    )
