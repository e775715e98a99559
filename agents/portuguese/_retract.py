"""What the person takes back as a whole: "tira a cidade", "esquece o prazo"."""

from __future__ import annotations

from collections.abc import Collection

from agent_memory.agents.portuguese._changes import dropped
from agent_memory.agents.portuguese._lexicon import Lexicon
from agent_memory.agents.portuguese._scene import Scene
from agent_memory.profile import Change

_TAKE_BACK = 'tir*/esquec*/apag*/remov*/retir*/desconsider*/ignor*/limp*/zer*/risc*/exclu*/cancel*/delet*'
_RETRACTED: Lexicon[tuple[str, ...]] = Lexicon(
    {
        fields: ' | '.join(
            f'{_TAKE_BACK} {between} {nouns}'
            for between in ('o/a/os/as? que falei de/do/da?', 'o/a/os/as/essa/esse/minha/meu?')
        )
        for fields, nouns in {
            ('city', 'state'): 'cidade/localizacao/localidade',
            ('state',): 'estado/uf',
            ('main_use',): 'uso/finalidade/utilidade',
            ('priorities',): 'prioridade/prioridades/requisito/requisitos',
            ('brands',): 'marca/marcas/montadora/montadoras',
            ('body_types',): 'carroceria/tipo/formato/categoria',
            ('urgency',): 'prazo/urgencia/pressa/data',
            ('name',): 'nome',
            ('payment',): 'pagamento',
        }.items()
    }
)
_NOT = frozenset({'nao', 'nem', 'sem'})


def retracted(scene: Scene, stated: Collection[str]) -> list[Change]:
    """Return the changes that empty what is taken back; fields in `stated` got a value in the same turn."""
    fields = [
        field
        for hit in _RETRACTED.find(scene.words)
        if not (hit.start and scene.words[hit.start - 1].text in _NOT)
        for field in hit.value
    ]
    return [
        change for field in dict.fromkeys(fields) if field not in stated for change in dropped(scene.profile, field)
    ]
