"""Which of the cities of one name is meant, once the name is known: "a de minas", "perto de São Luís"."""

from __future__ import annotations

from agent_memory.agents.portuguese._gazetteer import PEOPLE_OF, Place, place_of, places
from agent_memory.agents.portuguese._lexicon import Lexicon
from agent_memory.agents.portuguese._place_names import as_name, key_of, state_at
from agent_memory.agents.portuguese._residence import NEARBY
from agent_memory.agents.portuguese._scene import Scene
from agent_memory.agents.portuguese._text import Words

_BORDER = Lexicon({True: 'divisa | fronteira | limite'})


def state_of_namesake(scene: Scene) -> str | None:
    """Return the state that tells which city of a name is meant: "a de minas", "a baiana", "perto de São Luís"."""
    place = _open_city(scene)
    if place is None or not (scene.bare or scene.asks('city', 'state')):
        return None
    words = scene.words
    named = {i: _state_named(words, i) for i in range(len(words))}
    return next(
        (state for i, state in named.items() if state in place.states and not _BORDER.within(words[max(0, i - 4) : i])),
        None,
    )


def _open_city(scene: Scene) -> Place | None:
    """Return the known city when there are several of its name and nobody said which."""
    place = place_of(scene.profile.city) if scene.profile.state is None else None
    return place if place and place.state is None else None


def _state_named(words: Words, at: int) -> str | None:
    """Return the state that a word at a place names or belongs to, also as that of a city nearby."""
    state = state_at(words, at)[0] or PEOPLE_OF.get(words[at].text) or ('RJ' if words[at].text == 'rio' else None)
    if state or not NEARBY.within(words[max(0, at - 3) : at]):
        return state
    known, longest = places()
    for size in range(min(longest.get(as_name(words[at]), 0), len(words) - at), 0, -1):
        if near := known.get(key_of(words, at, at + size)):
            return near.state
    return None
