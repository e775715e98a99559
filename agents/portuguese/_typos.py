"""Slips of the pen in the words that carry facts."""

from __future__ import annotations

from functools import lru_cache

from rapidfuzz import fuzz, process

from agent_memory.agents.portuguese._data import word_set

_CLOSE = 88
_LONG = 7
_KEYWORDS = word_set(
    'economico economica economia automatico automatica confortavel conforto seguranca manutencao confiavel '
    'potente tecnologia multimidia quilometragem desempenho consumo espacoso caminhonete conversivel '
    'financiado financiar financiamento consorcio aplicativo entregas trabalhar trabalho faculdade familia '
    'criancas viajar viagens passear fazenda empresa urgente urgencia pesquisando atendente consultor vendedor '
    'gerente mensagens mensagem cadastro orcamento minimo maximo entrada parcela procuro prefiro preciso marca '
    'quarenta cinquenta sessenta setenta oitenta noventa qualquer condicionado recomecar verdade semestre bagageiro recente potencia'
)
_BY_FIRST = {first: sorted(word for word in _KEYWORDS if word[0] == first) for first in {word[0] for word in _KEYWORDS}}


@lru_cache(maxsize=4096)
def mended(word: str) -> str:
    """Return the keyword that `word` was meant to be, or `word`."""
    if len(word) < _LONG or word in _KEYWORDS or not word.isalpha():
        return word
    near = process.extractOne(word, _BY_FIRST.get(word[0], ()), scorer=fuzz.ratio, score_cutoff=_CLOSE)
    # Another ending is another form of the word, "trabalham", not a slip.
    return near[0] if near and near[0][-2:] == word[-2:] else word
