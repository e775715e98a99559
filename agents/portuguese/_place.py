"""Where the buyer lives: city and state."""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent_memory.agents.portuguese._changes import dropped, stated
from agent_memory.agents.portuguese._data import word_set
from agent_memory.agents.portuguese._gazetteer import REGIONS, Place, capital_of, closest, place_of, places
from agent_memory.agents.portuguese._lexicon import Hit, Lexicon
from agent_memory.agents.portuguese._namesake import state_of_namesake
from agent_memory.agents.portuguese._people import FOR_THEM_IN
from agent_memory.agents.portuguese._place_names import ALL_STATES, as_name, key_of, state_at
from agent_memory.agents.portuguese._residence import (
    CUES,
    HOME_BEHIND,
    LOOK_BACK,
    NEARBY,
    OWN_HOME,
    PART_OF_TOWN,
    THEIR_HOME,
    Cue,
    cue_before,
    is_idle_question,
    is_region,
)
from agent_memory.agents.portuguese._scene import Scene
from agent_memory.agents.portuguese._text import END, SENTENCE_ENDS, Words, longest_by_first
from agent_memory.profile import Change

_JOINTS = frozenset(
    {',', '-', '/', '(', 'no', 'na', 'em', 'do', 'da', 'de', 'estado', ')', 'o', '–', 'uf', ':', 'a', 'la'}
)
_ON_A_VISIT = Lexicon({True: 'a trabalho/passeio/servico/negocios | de ferias/passagem/visita | so hoje | visitando'})
_MOVED = Lexicon({True: 'mudei/mudamos/mudando/mudo/moro/moramos | transferid* | vim/viemos morar'})
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
    namesake = state_of_namesake(scene)
    if namesake and all(one.strength < _TOLD for one in found):
        return [stated(scene.profile, 'state', namesake)]
    if found:
        return _to_city(scene, _best(scene, found))
    state = _state_alone(scene)
    if state and (scene.words.places.get('capital') or PART_OF_TOWN.within(scene.words)):
        return [stated(scene.profile, 'city', capital_of(state)), stated(scene.profile, 'state', state)]
    return _to_state(scene, state) if state else []


_TOLD = 4
"""How strong a city is that somebody said to live in."""


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
    place = place_of(scene.profile.city)
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
    cues = CUES.find(words)
    guesses = _GUESSES
    found: list[_Found] = []
    i = 0
    while i < len(words):
        if (region := _region_end(words, i)) > i:
            i = region
            continue
        if (after := state_at(words, i)[1]) > i + 1 and key_of(words, i, after) not in known:
            i = after
            continue
        one = place = None
        for size in range(min(longest.get(as_name(words[i]), 0), len(words) - i), 0, -1):
            place = known.get(key_of(words, i, i + size))
            if place and not _begins_state(words, i, i + size):
                one = _weigh(scene, cues, place, i, i + size)
                break
        if place is None and guesses and _may_be_slip(scene, cues, i):
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
    return after if state and key_of(words, at, after) in REGIONS else at


def _begins_state(words: Words, start: int, end: int) -> bool:
    """Return whether a name is the beginning of a state's: Rio Grande do Sul."""
    return end - start > 1 and state_at(words, start)[1] > end


def _weigh(scene: Scene, cues: list[Hit[Cue]], place: Place, start: int, end: int) -> _Found | None:
    words = scene.words
    state, after = _state_beside(words, end, place)
    cue = cue_before(words, cues, start)
    if _names_state_of_city(scene, words, start, end):
        return None
    asked = scene.asks('city')
    alone = _alone(words, start, after)
    if state is None and _is_of_another_state(words, end, place):
        return None
    if place.city in ('São Paulo', 'Rio de Janeiro') and state is None and is_region(words, cues, start):
        return None
    if start in scene.of_vehicles and cue != 'home' and not state and not (asked and alone):
        return None
    visit = after < len(words) and _ON_A_VISIT.at(words, after) is not None
    if visit and not _MOVED.within(words[max(0, start - LOOK_BACK) : start]):
        return _Found(place, start, after, state, 0)
    strength = _strength(scene, words, place, cue, state=state, alone=alone, start=start, end=end)
    return _Found(place, start, after, state, strength)


def _is_of_another_state(words: Words, end: int, place: Place) -> bool:
    """Return whether a state follows that has no such city: "sertão de Pernambuco", "Pinheiros, SP"."""
    joined = end < len(words) and words[end].text in ('de', 'do', 'da', ',', '-', '/')
    state = state_at(words, end + 1)[0] if joined else None
    return state is not None and state not in place.states


def _names_state_of_city(scene: Scene, words: Words, start: int, end: int) -> bool:
    """Return whether the state of the known city was asked, which "Rio de Janeiro" and "São Paulo" answer."""
    named = ALL_STATES.get(key_of(words, start, end))
    known = place_of(scene.profile.city) if named and scene.asks('state') else None
    return known is not None and scene.profile.state is None and named in known.states


def _strength(
    scene: Scene, words: Words, place: Place, cue: Cue | None, *, state: str | None, alone: bool, start: int, end: int
) -> int:
    if scene.asks('elsewhere') and cue != 'home':
        return 0
    if behind := _told_behind(words, end):
        return 5 if behind == 'soon' else 4
    if cue == 'kin':
        return _strength_of_kin(scene, start)
    if cue == 'away':
        return 2 if scene.lives_there else 0
    if cue == 'home' and scene.asks('theirs') and OWN_HOME.within(words[max(0, start - LOOK_BACK) : start]):
        return 1  # the home of another was asked
    if cue in ('home', 'weak') and _is_home_of_driver(scene, start):
        return 5
    if cue == 'home':
        return 1 if NEARBY.within(words[max(0, start - 3) : start]) else 4
    if state or (scene.asks('city') and alone):
        return 3
    if scene.asks('city') and scene.bare:
        return 2
    return _bare_strength(scene, place, cue, alone=alone, start=start, end=end)


def _strength_of_kin(scene: Scene, start: int) -> int:
    """Return how much the place of somebody else counts: most when the car is for them, "pra minha mãe em Sorriso"."""
    before = scene.words[max(0, start - LOOK_BACK) : start]
    if any(hit.end == len(before) for hit in FOR_THEM_IN.find(before)):
        return 5
    return 1 if scene.for_another else 0


def _told_behind(words: Words, end: int) -> str | None:
    """Return whether what follows a name says that it is, or soon will be, a home."""
    at = end + (end < len(words) and words[end].text in {',', '('})
    hit = HOME_BEHIND.at(words, at) if at < len(words) else None
    return hit.value if hit else None


def _is_home_of_driver(scene: Scene, start: int) -> bool:
    """Return whether a home is that of somebody else whom the car is for; it counts before the buyer's own."""
    before = scene.words[max(0, start - LOOK_BACK) : start]
    own = any(word.text in ('gente', 'eu', 'familia') for word in before)
    return not own and THEIR_HOME.within(before) is not None and scene.for_another


def _bare_strength(scene: Scene, place: Place, cue: Cue | None, *, alone: bool, start: int, end: int) -> int:
    """Return how much a name counts that nobody said is a home."""
    words = scene.words
    before = words[start - 1].text if start else END
    if is_idle_question(words, start):
        return 0
    if alone and place.capital and len(words) <= 3 and not scene.asks('name', 'person', 'urgency'):
        return 1  # nothing but a capital's name, whatever was asked
    if PART_OF_TOWN.within(words[max(0, start - 3) : start]) and before in ('de', 'do', 'da'):
        return 2 if scene.profile.city is None else 0
    if place.everyday:
        ends = end == len(words) or words[end].text in SENTENCE_ENDS | {','}
        named = words[start].raw[:1].isupper() or (place.capital and ends)
        return 1 if before == 'em' and named and scene.profile.city is None else 0
    if before in ('em', 'in', 'en'):
        # Where something happens is a home only while none is known.
        return 2 if scene.profile.city is None or scene.corrections else 0
    if NEARBY.within(words[max(0, start - 2) : start]):
        return 1 if scene.profile.city is None else 0
    if before in ('no', 'na') and cue == 'weak':
        # "na chácara" is any farm, "na Chácara" the town; few towns take an article.
        return 2 if place.capital or words[start].raw[:1].isupper() else 0
    said = words[max(0, start - LOOK_BACK) : start]
    if any(hit.end == len(said) for hit in _PUTS_RIGHT.find(said)):
        return 2
    multiword = end - start > 1
    if before == END and multiword:
        return 1
    telling = alone and (multiword or place.capital or len(words[start].text) > 4)
    return 1 if telling and scene.topics <= {'city', 'state', 'car', 'body'} else 0


_PUTS_RIGHT = Lexicon(
    {
        True: 'na verdade e/era/seria/foi/em/sou? de? | quis dizer | digo ,? em? | minto ,? e? | errei ,? e? | alias ,? e? | corrigindo ,/:? e? | melhor dizendo ,? | confundi ,? e? | desculpa ,? e/era'
    }
)
"""Says right before a name that it takes the place of the one said before."""


def _alone(words: Words, start: int, end: int) -> bool:
    """Return whether a name is all that its part of the sentence says."""
    before = words[start - 1].text if start else END
    after = words[end].text if end < len(words) else END
    if before in ('em', 'de', 'do', 'da', 'no', 'na', 'e') and start:
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


def _may_be_slip(scene: Scene, cues: list[Hit[Cue]], start: int) -> bool:
    """Return whether a home is being told here; slips of the pen are never looked for in free text."""
    words = scene.words
    if not words[start].text.isalpha() or len(words[start].text) < 4 or words[start].text in _NOT_NAMES:
        return False
    if words.places.get('?') or state_at(words, start)[0]:  # who asks tells no home
        return False
    cue = cue_before(words, cues, start)
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
    'ontem amanha depende interessa importa serve paulistano carioca baiano mineiro gaucho capixaba goiano cearense pernambucano paranaense catarinense aonde onde nenhuma nenhum qualquer tanto digo quero'
)


def _state_alone(scene: Scene) -> str | None:
    words = scene.words
    cues = CUES.find(words)
    asked = scene.asks('state', 'city')
    found: str | None = None
    i = 0
    while i < len(words):
        state, after = state_at(words, i)
        if state is None and words[i].text == 'rio' and is_region(words, cues, i):
            state, after = 'RJ', i + 1
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
    cue = cue_before(words, cues, start)
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
    return (cue == 'home' or (cue == 'weak' and before in ('em', 'in')) or is_region(words, cues, start)) and (
        not letters or capitals
    )
