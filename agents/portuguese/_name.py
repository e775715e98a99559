"""What the person is called."""

from __future__ import annotations

from agent_memory.agents.portuguese._changes import stated
from agent_memory.agents.portuguese._data import word_set
from agent_memory.agents.portuguese._gazetteer import places
from agent_memory.agents.portuguese._lexicon import Lexicon
from agent_memory.agents.portuguese._scene import Scene
from agent_memory.agents.portuguese._text import END, SENTENCE_ENDS, Word
from agent_memory.profile import Change

_SAYS = Lexicon(
    {
        'sure': 'meu nome e | meu nome : | meu nome eh | me chamo | pode/podem me chamar de | pode me chamar | nome '
        ': | my name is | mi nombre es | me llamo | meu nome | chamo me',
        'capital': 'sou o/a | aqui e o/a? | aqui quem fala e o/a? | quem fala e o/a? | fala com o/a | aqui o/a | eu '
        'sou o/a? | sou | i m | i am | soy | e o | e a | this is',
    }
)
_PARTICLES = frozenset({'de', 'da', 'do', 'dos', 'das'})
_NOT_NAMES = word_set(
    'sim nao ok oi ola bom boa dia tarde noite obrigado quero queria busco procuro preciso um uma de do da em '
    'carro tudo bem beleza claro prazer por para que e eu meu minha hatch sedan suv picape ate mil reais voce '
    'voces quanto qual tem pode porque prefiro falar depois agora aqui sou moro moto motorista cliente anonimo '
    'nada ninguem como isso esse essa dono vendedor senhor senhora mesmo nome chamo e tambem so mais ja mas '
    'com sem no na se foi vi tenho estou'
)


def extract_name(scene: Scene) -> list[Change]:
    """Return the change of `name`."""
    name = _introduced(scene) or (_bare(scene) if scene.asks('name') and not scene.asks('consent') else None)
    return [stated(scene.profile, 'name', name)] if name else []


def _introduced(scene: Scene) -> str | None:
    for hit in _SAYS.find(scene.words):
        taken = _name_words(scene.words[hit.end :])
        if hit.value == 'capital':
            if (
                not taken
                or not taken[0].raw[:1].isupper()
                or scene.words[hit.end - 1].text not in ('o', 'a', 'e', 'm', 'am', 'is')
                or scene.asks('city')
            ):
                continue
            taken = [word for word in taken if word.raw[:1].isupper() or word.text in _PARTICLES]
            if scene.words[hit.end - 1].text == 'e' and ' '.join(word.text for word in taken) in places()[0]:
                continue  # "aqui é Maringá"; a person is "o Santos"
        if taken:
            return _shown(taken)
    return None


def _bare(scene: Scene) -> str | None:
    words = [word for word in scene.words if word.text != END]
    while words and (
        words[0].text
        in (
            'e',
            'o',
            'a',
            'sou',
            'oi',
            'ola',
            'bom',
            'boa',
            'dia',
            'tarde',
            'noite',
            'prazer',
            ',',
            '!',
            'claro',
            'sim',
            'aqui',
        )
    ):
        words = words[1:]
    taken = _name_words(words)
    rest = words[len(taken) :]
    fits = taken and (not rest or rest[0].text in SENTENCE_ENDS | {',', 'e'} or not rest[0].text.isalpha())
    return _shown(taken) if fits else None


def _name_words(words: tuple[Word, ...] | list[Word]) -> list[Word]:
    taken: list[Word] = []
    for word in words[:5]:
        letters = word.raw.replace("'", '')
        known = word.text in _NOT_NAMES and not (word.text in _PARTICLES and taken)
        if not letters.isalpha() or known or len(word.raw) > 20 or (len(word.raw) == 1 and not taken):
            break
        taken.append(word)
    while taken and taken[-1].text in _PARTICLES:
        taken.pop()
    return taken[:4]


def _shown(words: list[Word]) -> str | None:
    parts = [
        word.raw.lower() if word.text in _PARTICLES else word.raw[:1].upper() + word.raw[1:].lower() for word in words
    ]
    name = ' '.join(parts)
    return name if 2 <= len(name) <= 80 else None
