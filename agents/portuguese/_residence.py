"""What the words around the name of a place say of it: somebody's home, a place of work, a part of a state."""

from __future__ import annotations

from bisect import bisect_right
from typing import Literal

from agent_memory.agents.portuguese._lexicon import Hit, Lexicon
from agent_memory.agents.portuguese._people import FOR_THEM, KIN
from agent_memory.agents.portuguese._text import SENTENCE_ENDS, Words

Cue = Literal['home', 'away', 'kin', 'weak', 'region']

CUES: Lexicon[Cue] = Lexicon(
    {
        'home': 'minha/nossa casa/residencia e/fica/esta | quem fala | meu/nosso apartamento/ape e/fica | eu em | meu/nosso endereco | durmo | hoje/atualmente/ultimamente em | agora e | cidade/cidadezinha/municipio/lugar chamada/chamado/de/do/da? | a gente mora/vive/fica | a gente e de/do/da | pessoal aqui de | moro | moramos | mora | resido | residimos | vivo | vivemos | morando | morar | residente | sou | '
        'somos | falo | falando | '
        'aqui | estou em/no/na/aqui/morando | estamos em/no/na | fico em/no/na | cidade e? | mudei | mudando | me '
        'mudo | mudanca para | mudar para | me? transferi/transferido/transferida para | '
        'live | living | based | moved/moving estou | resident of | from | i m in | soy | estoy | viviendo | vivo | natural de | minha cidade | cidade '
        ': | localizado | '
        'localizada | moradora/morador de/da/do | city is | me encontro | voce e de | e de | eu de | home | mudamos '
        '| cidade de | vim para | '
        'rodar em | buscar para',
        'away': 'endereco | voces em | trabalh* | estud* | trampar | faculdade | loja | lojas | filial '
        '| buscar | busco o/em/no/na/ai | pegar/pego o? carro | buscaria | retirar | retiro | '
        'entrega* | viajar | viajo | viagem | viagens | ferias | praia em/de/do/da | vi um/uma? .. em | passear | '
        'passeio | morei | morava | nasci | nascido | comprei | compro | '
        'comprar em/no/na | vende* | vendi | placa | emplacado | fui | vou para | ir para/a | indo para | voltando | '
        'voces sao/ficam/estao/tem/entregam/atendem | '
        'vcs | casa de praia | frete | patio | unidade | visita* | evento | '
        'show | jogo | work in/at | works | '
        'todo/toda/todos/todas/cada mes/meses/semana/semanas/dia/dias/ano .. estou/vou/fico/passo/viajo em/no/na/para/por | '
        'sempre/direto/volta/frequente* .. estou/vou/fico/passo/viajo em/no/na/para/por | vez estou/vou/fico/passo em/no/na/para/por | '
        'estou/vou/fico/passo sempre/direto/muito em/no/na/para/por | '
        'onde .. voces | nao .. moro | nao .. sou | nao .. vivo | nao resido | sai de/do/da | vim de/do/da | tirei '
        'de | trouxe | trazer | passo por | bate e volta '
        '| ida e volta | estrada para/de | anuncio | servico em | trampo em | trampo',
        'kin': f'minha familia | meu/minha/nosso/nossa/meus/minhas/nossos/o/a/os/as/um/uma {KIN} | {KIN} de',
        'weak': 'trabalho/trabalhamos/trampo/trampamos/trabalhar/trampar de/como/com .. em | faco/fazemos/fazendo/fazer entrega/entregas/frete/fretes/corrida/corridas/carreto/carretos/mudanca/mudancas .. em | '
        'trabalho/trabalhamos/trampo/rodo/dirijo/corro com/de/no/na/para/como/por o/a? motorista? de? uber/99/indrive/indriver/app/apps/aplicativo/aplicativos/taxi/cabify em/no/na/aqui | em | no | na | in | en | de | do | da | para | :',
        'region': 'zona norte/sul/leste/oeste/central | interior | litoral | estado | regiao | sul | norte | oeste | leste | sudoeste | noroeste | '
        'nordeste | sudeste | sertao | zona da mata | vale | serra gaucha | '
        'algum lugar | qualquer cidade | capital | grande | triangulo',
    }
)
PART_OF_TOWN = Lexicon({True: 'zona norte/sul/leste/oeste/central'})
OWN_HOME = Lexicon({True: 'moro/resido/vivo/moramos/residimos/vivemos'})
NEARBY = Lexicon({True: 'perto | pertinho | proximo | proxima | lado | vizinha | near | cerca'})
THEIR_HOME = Lexicon(
    {
        True: 'mora/vive/reside/moram/vivem/residem em/no/na/la/ai? | vai/vao/foi/foram morar/viver | esta/estao morando/vivendo'
    }
)
HOME_BEHIND = Lexicon(
    {
        'now': 'onde/que eu/nos/a? gente? moro/resido/vivo/moramos/residimos/vivemos/mora | e? minha cidade | cidade onde/que em? moro/resido/vivo/moramos | que e onde eu? moro/vivo/resido',
        'soon': 'onde eu? vou/vamos/irei/iremos morar/viver/residir | para onde eu? vou/vamos .. mudar/mudo/mudamos',
    }
)
"""Tells behind a name that it is a home: "na região de Sinop, onde resido"."""
LOOK_BACK = 5
"""Words before a name that are looked at."""


def cue_before(words: Words, cues: list[Hit[Cue]], start: int) -> Cue | None:
    """Return the nearest cue before a name in its sentence; a preposition only when nothing stronger is near."""
    weak: Cue | None = None
    for hit in reversed(cues[: bisect_right(cues, start, key=_end)]):
        between = words[hit.end : start]
        if len(between) > LOOK_BACK or any(word.text in SENTENCE_ENDS or word.text in (',', 'mas') for word in between):
            return weak
        if words[hit.start].raw == 'e' and hit.start and words[hit.start - 1].text.isalpha():
            continue  # "queijo e de polpa": the conjunction, no "é de"
        if hit.value not in ('weak', 'region'):
            return _kin_or(words, cues, hit)
        weak = 'weak'
    return weak


def _kin_or(words: Words, cues: list[Hit[Cue]], hit: Hit[Cue]) -> Cue:
    """Read "minha mãe mora em" as the home of somebody else, who counts when the car is for them."""
    if hit.value != 'home' or words[hit.start].text not in ('mora', 'e', 'morando', 'aqui'):
        return hit.value
    for other in cues[bisect_right(cues, hit.start - 4, key=_end) : bisect_right(cues, hit.start, key=_end)]:
        if other.value == 'kin':
            return 'home' if FOR_THEM.within(words) else 'kin'
    return hit.value


def is_region(words: Words, cues: list[Hit[Cue]], start: int) -> bool:
    for hit in cues:
        if (
            hit.value == 'region'
            and hit.end <= start
            and start - hit.end <= 2
            and words[hit.start].text not in ('capital', 'zona', 'grande')
        ):
            return True
    return False


def is_idle_question(words: Words, at: int) -> bool:
    """Return whether a place stands in a question that wants no car: "vai chover em Gramado?"."""
    end = next((i for i in range(at, min(len(words), at + _SENTENCE)) if words[i].text in SENTENCE_ENDS), len(words))
    start = next((i + 1 for i in range(at, max(-1, at - _SENTENCE), -1) if words[i].text in SENTENCE_ENDS), 0)
    return (
        end < len(words) and words[end].text == '?' and _WANTS.within(words[max(start, at - _SENTENCE) : end]) is None
    )


_SENTENCE = 20
"""Words on either side of a place that are looked at for the end of its sentence."""
_WANTS = Lexicon(
    {
        True: 'quer* | busc* | procur* | precis* | carro* | veiculo* | suv | hatch | sedan | picape | tem | teria* | voces'
    }
)


def _end(hit: Hit[Cue]) -> int:
    return hit.end
