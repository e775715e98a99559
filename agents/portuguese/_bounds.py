"""What bounds an amount: the words before and behind it that make it a floor, a ceiling or a guess."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Literal

from agent_memory.agents.portuguese._data import word_set
from agent_memory.agents.portuguese._lexicon import Hit, Lexicon
from agent_memory.agents.portuguese._text import SENTENCE_ENDS, Word, Words

Bound = Literal['min', 'max', 'total', 'about', 'over', 'between']

BOUNDS: Lexicon[Bound] = Lexicon(
    {
        'total': 'fechado/fechando em/por | no total | valor total | total de | total | ao todo | tudo junto',
        'max': 'se fizer/fizerem/fechar/fecharem/sair/deixar/deixarem por/em | estourando | no talo | forcando | espremendo | nothing/not/never/no/nowhere over/above/beyond | nothing/not/never/no more/higher/greater/pricier than? | nada/nao/nem mais do? de/que/caro | nem um? real/centavo/tostao acima de/dos | nem um? real/centavo/tostao a? mais do? de/que/dos? | ate | no maximo | maximo | teto | limite | menos de/que/do | abaixo de/dos/do | inferior a | menor '
        'que | nao .. passa*/passo/passe/passem/passar '
        '| nao .. ultrapass* | nao .. exced* | nao .. estour* | nao mais de/que/do | nao .. acima | nao .. mais '
        'do? de/que | nao .. super* | nada acima | nem acima | nada mais caro | sem passar | sem ultrapassar '
        '| nem mais | chega/chegar/chego/cheguei a/em/ate | posso/consigo/podendo/da para ir | ir a/ate | vou/vamos/iria ate/a/nos | '
        'pode/posso subir | '
        'arredonda/arredondar/sobe/subir/subo/aumenta/aumentar/aumento/baixar/baixa/baixo/diminuir/diminui/reduzir/reduz/reduzo | '
        'aumentei/subi/baixei/diminui/passou/mudou para | estico/esticar/esticando/aperto/apertando | under | up to '
        '| below | at most '
        '| no more than | not more than | less than | hasta | no mas de | menos que | nunca .. passar | abaixo | '
        'tope | maximum | my limit | alcanco | nao .. alem '
        '| nao .. superior/maior | nada .. alem',
        'min': 'nothing/not/never/no under/below | nothing/not/never/no less/cheaper than? | nada/nao/nem menos do? de/que | a partir | no minimo | minimo | minima | acima de/dos/do | acima | comecando/comeca/comecar '
        'em/de/com/por/a/nos | desde | pelo menos | piso | superior a | maior que | '
        'over | above | at least | starting | nada abaixo | nem abaixo | nao .. abaixo | nao .. menos de/que/do | '
        'nao menos | nada de menos | nada menos | nem menos | menos nao '
        '| mais do? de/que/do | more than | minimum | a contar de | por lo menos | mas de | no less than | nada inferior '
        '| partindo de/dos',
        'over': 'passa de/dos/um | passa um pouco | passando de',
        'about': 'um? pouco/pouquinho acima de/dos/do | um? pouco/pouquinho mais de/que | uns | umas | em torno | por volta | na faixa | faixa de | na casa | casa dos | cerca de | mais ou '
        'menos | aproximadamente | around | about '
        '| tipo | em media | ai pelos | pelos | la pelos | algo como | beirando | proximo | perto de | por ai | '
        'coisa de | roughly | beira/beirar/beirando os/dos? | algo em torno',
        'between': 'entre | between | de | dos | das | from',
    }
)
BEHIND: Lexicon[Bound] = Lexicon(
    {
        'min': 'para cima | ou mais | acima | + | no minimo | de minimo | de piso | para mais | and up | or more | '
        'em diante | para frente | o minimo | para arriba | y mas',
        'max': 'nao passo/passa/ultrapasso/ultrapassa | para baixo | ou menos | no maximo | maximo | de teto | no talo | estourando | no limite | de limite '
        '| tops | top | or less | abaixo | o maximo | e o/meu/nosso teto/limite/maximo '
        '| para menos | max | como teto | maximum',
        'about': 'no meu? bolso | na mao/poupanca/conta | em caixa/conta | guardado/guardados/separado/separados/reservado/reservados/juntado/contado/contadinho/contados | para gastar/investir | em maos | + ou - | + / - | + - | mais ou menos',
        'total': 'no total | total | ao todo | fechado | tudo',
    }
)
_FLIP = Lexicon(
    {
        True: 'nem .. mostra*/mostre/olho/quero/pensar/precisa/adianta/vejo/manda*/da/posso | nao '
        'quero/serve/adianta/rola/da/posso/consigo/cabe/dou/pago/vai/vou/tenho/olho/compro/interessa/presta/encaro | nao '
        'precisa mostrar | ja? fica/e/seria dificil/pesado/puxado/complicado/inviavel | fora de cogitacao | sem chance'
    }
)
OPPOSITE: dict[Bound, Bound] = {'max': 'min', 'min': 'max'}
_REACH = 6


def is_turned_down(words: Words, at: int) -> bool:
    """Return whether what follows refuses that side of a bound: "mais de 55 não dá", "abaixo de 30 eu nem olho"."""
    if at < len(words) and _NOT_EITHER.at(words, at):
        return True
    while at < len(words) and words[at].text in _BETWEEN_BOUND_AND_NO:
        at += 1
    return at < len(words) and _FLIP.at(words, at) is not None


_NOT_EITHER = Lexicon({True: 'tambem? nao ,/./!/;/⏎'})
_BETWEEN_BOUND_AND_NO = word_set('eu ai ja , mim para entao gente a')


def bound_before(words: Words, bounds: list[Hit[Bound]], start: int, previous: int) -> Bound | None:
    """Return the nearest bound said before a number, not across another number or the end of a sentence."""
    weak: Bound | None = None
    for hit in reversed(bounds[: bisect_right(bounds, start, key=lambda hit: hit.end)]):
        between = words[hit.end : start]
        if hit.start < previous or len(between) > _REACH or _parted(between):
            return weak
        if hit.value not in ('about', 'between'):
            return hit.value
        weak = 'about' if hit.value == 'about' else weak or hit.value
    return weak


def _parted(between: Sequence[Word]) -> bool:
    """Return whether another thought begins between a bound and a number: "até sexta, 70 mil"."""
    texts = [word.text for word in between]
    if not SENTENCE_ENDS.isdisjoint(texts) or not _TOPICS.isdisjoint(texts):
        return True
    return ',' in texts and not _HESITATIONS.issuperset(texts[: texts.index(',')])


_TOPICS = word_set('orcamento valor faixa verba budget')
"""Words that open another thought: "até semana que vem, orçamento 70 a 90"."""
_HESITATIONS = word_set('do maximo digamos sei la assim uns umas vai por ai tipo')
