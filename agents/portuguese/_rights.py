"""What a person may ask of their own data (LGPD, art. 18 and 20): access, correction, portability, review of the score.

Erasure and the withdrawal of consent change what the agent does and are read in `_requests`.
"""

from __future__ import annotations

from typing import Literal

from agent_memory.agents.portuguese._lexicon import Lexicon
from agent_memory.agents.portuguese._text import END, SENTENCE_ENDS, Words

Right = Literal['access', 'correction', 'portability', 'review']

_DATA = 'dados/informacoes/informacao/cadastro/registro/registros/historico'
_MINE = f'meus/minhas/meu/minha/os/as {_DATA}'
_OWN = f'meus/minhas/meu/minha {_DATA}'
_KEEP = 'tem/sabe/sabem/guarda/guardam/guardaram/possui/possuem/salvou/salvaram/anotou/anotaram/registraram'
_SCORE = 'pontuacao/classificacao/pontos'
_RIGHTS: Lexicon[Right] = Lexicon(
    {
        'access': f'quais/que/quantos {_DATA} meus/minhas/minha/meu/pessoais | quais/que dos? meus/minhas {_DATA} | '
        f'quais/que {_DATA} .. {_KEEP} .. de/sobre mim | quais/que .. {_DATA} de/sobre mim | quais/que {_DATA} .. a? meu respeito | '
        f'quais sao os? {_OWN} .. voces/voce/guarda*/salv* | '
        f'o que .. {_KEEP} .. de/sobre mim | oq .. {_KEEP} .. de/sobre mim | o que .. a meu respeito | tudo que .. tem/sabem/guardam/guardaram .. de/sobre mim | '
        f'ver/saber/conhecer/consultar/acessar/olhar/conferir/receber/baixar/solicitar .. {_OWN} | '
        f'acesso a/ao/as/aos? {_MINE} | acesso .. {_OWN} | direito de acesso | '
        f'copia .. {_OWN} | copia de tudo | relatorio .. {_OWN} | confirma* .. tratam* .. {_OWN} | '
        f'me mand*/envi*/mostr*/pass* .. {_OWN} | mandem/enviem/mostrem/mostra/envia .. {_OWN} | '
        f'voces/voce passa*/passe*/vend*/cede* .. {_OWN} | tem/guarda/guardam/possuem/armazenam .. {_OWN} .. ai/guardad*/salv*/? | '
        f'o que .. faz/fazem/fazendo/feito .. com .. {_OWN} | com quem .. compartilh* .. {_OWN} | '
        f'onde/como .. guard*/armazen*/us* .. {_OWN} | para que .. us* .. {_OWN} | '
        'what data/information .. about me | copy of my data | access to? my data | my data do you | '
        'que datos .. mios/mi/sobre mi | copia de mis datos',
        'correction': f'corrig*/corrij*/correc*/retific*/retifiq*/atualiz*/arrum*/acert*/consert* .. {_OWN} | '
        f'{_OWN} .. errad*/incorret*/desatualizad*/incomplet* | '
        f'{_DATA} errad*/incorret*/desatualizad* .. de/sobre mim/meu/minha | correct my data | corregir mis datos',
        'portability': f'portabilidade .. {_DATA}/minhas/lgpd | direito .. portabilidade | '
        f'exporta*/exporte* .. {_OWN} | '
        f'transfer*/transfir*/levar/levem/migr*/pass*/mand*/envi* .. {_OWN} .. para .. '
        'outra/outro/concorrente | data portability | portabilidad de .. datos',
        'review': f'revis*/revej*/rever/reavali*/contest*/question*/recalcul* .. {_SCORE}/decisao/score | '
        f'revis*/revej*/rever/reavali*/contest* .. minha nota | '
        f'decisao/decisoes/avaliacao/analise automatizada/automatica/automaticas | '
        f'como/por/porque/explic* .. calcul*/cheg*/decid* .. {_SCORE}/minha/meu score/nota/perfil | '
        f'minha {_SCORE} | minha nota .. injust*/errad*/baix* | explic*/criterio* .. {_SCORE} | '
        f'nao concordo/concordei .. {_SCORE}/decisao | '
        f'{_SCORE} .. injust*/errad* | quero .. pessoa/humano .. revis*/revej*/reavali* | '
        'review .. my score | how .. my score | automated decision',
    }
)
_NEGATIONS = frozenset({'nao', 'nem', 'nunca', 'sem', 'no'})
_NEAR = 3


def rights(words: Words) -> tuple[Right, ...]:
    """Return the rights that a turn claims, in order, each once. "Não preciso ver meus dados" claims none."""
    found: list[Right] = [hit.value for hit in _RIGHTS.find(words) if not _is_negated(words, hit.start)]
    return tuple(dict.fromkeys(found))


def _is_negated(words: Words, start: int) -> bool:
    """Return whether a negation stands shortly before, in the same sentence."""
    if words[start].text in _NEGATIONS:
        return False
    for word in reversed(words[max(0, start - _NEAR) : start]):
        if word.text in SENTENCE_ENDS or word.text in (END, ','):
            return False
        if word.text in _NEGATIONS:
            return True
    return False
