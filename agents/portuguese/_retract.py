"""What the person takes back as a whole: "tira a cidade", "o orçamento deixa em aberto"."""

from __future__ import annotations

from agent_memory.agents.portuguese._lexicon import Lexicon
from agent_memory.agents.portuguese._scene import Scene
from agent_memory.agents.portuguese._text import END, Words

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
_THE = 'o/a/os/as/essa/esse/esta/este/aquele/aquela/aqueles/minha/meu/nosso/nossa/the/my?'
_ERASE = 'tir*/esquec*/apag*/remov*/retir*/desconsider*/ignor*/limp*/zera/zerar/zere/zerem/risc*/exclu*/cancel*/delet*/anul*/forget'
_ASIDE = 'em aberto|de lado|para la|para depois|sem definir|indefinido/indefinida'
_LEAVE = 'deixa/deixe/deixar/deixamos/fica/ficar'
_PATTERNS = (
    f'{_ERASE} o/a/os/as? que falei/disse de/do/da/dos/das? {{noun}}',
    f'{_ERASE} isso/esse/essa ai? de/do/da {{noun}}',
    f'{_ERASE} so/somente/apenas/tambem/ai? {_THE} {{noun}}',
    f'{_LEAVE} {_THE} {{noun}} .. {{aside}}',
    f'{_LEAVE} {{aside}} o/a/os/as? {{noun}}',
    f'{{noun}} .. {_LEAVE} {{aside}}',
    '{noun} {aside}',
    '{noun} nao sei mais/ainda',
    f'{{noun}} pode/podem? {_ERASE}',
    f'nao considera*/conta/conte/contem {_THE} {{noun}}',
    f'nao leva/leve/levem/leva/levar em conta/consideracao {_THE} {{noun}}',
    f'nao leva/leve/levem {_THE} {{noun}} .. conta/consideracao?',
    'sem {noun} definido/definida/ainda',
    f'{_LEAVE} sem {{noun}}',
    'nada de {noun} ainda/mais/por',
    '{noun} .. vejo/ver/defino/definir/decido/decidir/penso .. depois/banco',
    '{noun} nao precisa/precisam anotar/registrar/guardar/marcar',
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


def taken_back(scene: Scene) -> dict[str, int]:
    """Return the fields that are taken back, each with the place from which a new value for it still counts.

    "Até 45. Ah não, tira o valor" takes back what the turn itself said; with a value from before it is that one, and
    what the same message says stands.
    """
    return {
        field: hit.start if field not in scene.profile.known() else _message_of(scene.words, hit.start)
        for hit in (*_RETRACTED.find(scene.words), *_OTHERS.find(scene.words))
        if not (hit.start and scene.words[hit.start - 1].text in _NOT)
        for field in hit.value
    }


def _message_of(words: Words, at: int) -> int:
    """Return where the message begins that a place is in."""
    return max((end + 1 for end in words.places.get(END, ()) if end < at), default=0)
