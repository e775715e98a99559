"""What the person takes back as a whole: "tira a cidade", "o orçamento deixa em aberto"."""

from __future__ import annotations

from collections.abc import Collection

from agent_memory.agents.portuguese._changes import dropped
from agent_memory.agents.portuguese._lexicon import Lexicon
from agent_memory.agents.portuguese._scene import Scene
from agent_memory.profile import Change

_NOUNS: dict[tuple[str, ...], str] = {
    ('budget_min', 'budget_max'): 'valor/orcamento/preco/faixa/budget/verba/quantia/numero',
    ('budget_min',): 'minimo/piso',
    ('budget_max',): 'maximo/teto/limite',
    ('city', 'state'): 'cidade/localizacao/localidade',
    ('state',): 'estado/uf',
    ('main_use',): 'uso/finalidade/utilidade',
    ('priorities',): 'prioridade/prioridades/requisito/requisitos',
    ('brands',): 'marca/marcas/montadora/montadoras',
    ('body_types',): 'carroceria/tipo/formato/categoria',
    ('urgency',): 'prazo/urgencia/pressa/data',
    ('name',): 'nome',
    ('payment',): 'pagamento',
}
_ERASE = 'tir*/esquec*/apag*/remov*/retir*/desconsider*/ignor*/limp*/zer*/risc*/exclu*/cancel*/delet*/anul*/forget'
_ASIDE = 'em aberto|de lado|para la|para depois|sem definir|indefinido/indefinida'
_LEAVE = 'deixa/deixe/deixar/deixamos/fica/ficar'
_PATTERNS = (
    f'{_ERASE} o/a/os/as? que falei/disse de/do/da/dos/das? {{noun}}',
    f'{_ERASE} isso/esse/essa ai? de/do/da {{noun}}',
    f'{_ERASE} so/somente/apenas/tambem/ai? o/a/os/as/essa/esse/minha/meu/the/my? {{noun}}',
    f'{_LEAVE} o/a/os/as/essa/esse/minha/meu? {{noun}} .. {{aside}}',
    f'{_LEAVE} {{aside}} o/a/os/as? {{noun}}',
    f'{{noun}} .. {_LEAVE} {{aside}}',
    '{noun} {aside}',
    '{noun} nao sei mais/ainda',
    f'{{noun}} pode/podem? {_ERASE}',
    'nao considera*/conta/conte/contem/leva/leve/levem o/a/os/as/essa/esse/minha/meu? {noun}',
    'sem {noun} definido/definida',
)
_RETRACTED: Lexicon[tuple[str, ...]] = Lexicon(
    {
        fields: ' | '.join(
            pattern.format(noun=noun, aside=aside)
            for pattern in _PATTERNS
            for aside in (_ASIDE.split('|') if 'aside' in pattern else [''])
        )
        for fields, noun in _NOUNS.items()
    }
)
_OTHERS: Lexicon[tuple[str, ...]] = Lexicon(
    {
        ('budget_min', 'budget_max'): 'nao sei mais .. valor/orcamento/quanto',
        ('budget_min',): 'sem minimo | sem piso | nao tenho minimo | nao tem minimo | minimo tanto faz',
        ('budget_max',): 'sem teto | sem limite de valor/preco/orcamento | nao tenho teto',
    }
)
_NOT = frozenset({'nao', 'nem', 'sem'})


def retracted(scene: Scene, stated: Collection[str]) -> list[Change]:
    """Return the changes that empty what is taken back; fields in `stated` got a value in the same turn."""
    fields = [
        field
        for hit in (*_RETRACTED.find(scene.words), *_OTHERS.find(scene.words))
        if not (hit.start and scene.words[hit.start - 1].text in _NOT)
        for field in hit.value
    ]
    return [
        change for field in dict.fromkeys(fields) if field not in stated for change in dropped(scene.profile, field)
    ]
