"""What the agent asked: the topics of its question, and the options that it listed."""

from __future__ import annotations

import re
from typing import Literal

from agent_memory.agents.portuguese._gazetteer import STATES
from agent_memory.agents.portuguese._lexicon import Lexicon
from agent_memory.agents.portuguese._people import KIN
from agent_memory.agents.portuguese._text import END, Words, read_words

Topic = Literal[
    'budget', 'floor', 'ceiling', 'elsewhere', 'deposit', 'instalment', 'city', 'state', 'use', 'brands', 'refused', 'body', 'priorities', 'urgency',
    'theirs', 'name', 'payment', 'trade_in', 'consent', 'person', 'erasure', 'car', 'other_number', 'opt_out', 'offers', 'silenced', 'restart',
]  # fmt: skip

_STATE_NAMES = ' | '.join(name for name in STATES if name != 'para')
_TOPICS: Lexicon[Topic] = Lexicon(
    {
        'deposit': 'entrada | sinal',
        'instalment': 'parcela | parcelas | prestacao | por mes | mensal | mensalidade',
        'other_number': 'que ano | qual ano | ano do | ano minimo | quilometragem | quantos km | quilometros | idade '
        '| quantas pessoas '
        '| quantos lugares | cpf | telefone | celular | whatsapp | cep | renda | salario | quantos | quantas',
        'floor': 'o minimo | valor/preco/orcamento/investimento minimo | minimo | a partir de quanto | piso',
        'ceiling': 'o maximo | valor/preco/orcamento/investimento maximo | maximo | ate quanto | teto | limite',
        'budget': 'ate/uns/entre/de .. mil ? | ate/uns/entre .. r$ | orcamento | valor | quanto | faixa | preco | investir | investimento | gastar | budget | verba | '
        'how much | presupuesto | price | ate onde .. ir/chegar',
        'city': 'cidade | mora | onde | localizacao | regiao | reside | city | where | ciudad | donde | local | '
        'municipio | fala de onde',
        'theirs': f'seu/sua {KIN} | ele/ela/eles/elas mora/vive/reside/moram/vivem',
        'elsewhere': 'retirar | retirada | buscar o carro | entregar | entrega | visitar a/nossa loja | qual loja/unidade',
        'state': f'estado | uf | state | {_STATE_NAMES}',
        'use': 'e/mais/seria/sera para .. familia/trabalho/passeio/lazer/viagem/cidade | familia/trabalho/lazer/passeio/viagem ou | utilidade | serventia | vai fazer com | e para o? que | carro e para | uso | usar | usado | utilizar | utiliza | vai servir | para que | finalidade | dia a dia | rodar | '
        'use it | rotina | cidade ou/, estrada/rodovia/viagem | estrada ou/, cidade | na cidade ou | pessoal ou profissional | roda/rodar/anda/andar mais | como .. usa/usar | '
        'quilometros por '
        '| objetivo | usa | uses | what for | trabalho ou | main use | utilizacao',
        'refused': 'nao quer | nao queira | nao gosta | nao goste | evita* | descart* | rejeit* | nao considera* | '
        'exclu* | fora da lista | restricao | '
        'fora de cogitacao/questao | nao entra/entram/pode/podem/serve/servem/toparia/topa | veta/vetaria/vetada | torce o nariz | nem pensar | nao aceit* | nao curt* | nao compraria',
        'brands': 'marca | marcas | montadora | fabricante | brand | brands | make',
        'car': 'quer qual | levar qual | qual voce? quer/levaria/compraria | quer levar/comprar | o proximo | modelo | modelos | carro | carros | veiculo | procura | procurando | busca | buscando | interesse | '
        'tem em mente',
        'body': 'tipo | carroceria | categoria | formato | hatch | sedan | suv | picape | estilo de carro | body | '
        'type | modelo de carroceria',
        'priorities': 'nao pode/podem faltar | importante | importa | prioridade | prioridades | valoriza | pesa mais | essencial | '
        'indispensavel | faz questao | exigencia/exigencias | exige | manual ou automatico | automatico ou manual | tipo de cambio | cambio | conta mais | fundamental | faz diferenca | '
        'precisa ter/ser/de ar | chama .. atencao | o que .. gosta/agrada/quer num/em | o que/q .. pesa/conta/importa/espera | '
        'nao abre mao | preferencias | caracteristicas | matters | important | diferencial | procura num carro | '
        'itens | requisitos',
        'urgency': 'prazo | para logo/ja/agora | quer/precisa .. logo/ja/rapido | quando | urgencia | pressa | para quando | quanto tempo | previsao | when | how soon | '
        'cuando | ate quando | comprar logo | data',
        'name': 'seu nome | como .. chama | com quem .. falo | com quem .. falando | your name | quem fala | posso '
        'te chamar | tu nombre | qual nome | nome',
        'payment': 'pagamento | pagar | financi* | a vista | consorcio | forma de',
        'trade_in': 'qual/que carro/modelo/veiculo voce? tem ?/hoje/atualmente/agora/na/ai | qual/que carro/modelo/veiculo .. possui/dirige/usa | o seu hoje/atual/agora | seu atual | tem hoje | tem .. carro hoje/atualmente | anda/roda com/de/em qual/que | carro de hoje | usado para/que | carro .. possui | ano .. do seu carro | modelo .. do seu carro | na troca | troca | carro atual | usado na | tem carro | tem algum carro | trade',
        'consent': 'concorda/autoriza/consente ? | lgpd | dados pessoais | seus dados | suas informacoes | informacoes pessoais | dados | '
        'privacidade | consent* | registr* .. dados | '
        'termos | autoriza | politica de | your data | personal data | sus datos | tus datos | informacoes',
        'person': 'consultor* | atendente* | humano | vendedor* | especialista | pessoa | colega | gerente | equipe '
        '| time de vendas | chamando | vou chamar | transferindo | encaminhando | alguem/ele/ela/voce te? liga/ligar/retorna/retornar | te retorna/liga/ligar | human | agent | asesor',
        'erasure': 'excluido/excluidos/excluida/apagado/apagados/deletado/deletados | apagar | excluir | exclusao | deletar | apague | exclua | remover .. dados',
        'offers': 'posso/podemos/quer/gostaria/deseja/pode .. mandar/mandando/enviar/enviando/avisar/avisando/receber/mandarmos/enviarmos .. oferta/ofertas/novidade/novidades/promocoes/mensagem/mensagens/lancamentos',
        'silenced': 'nao envio/enviamos/enviaremos/mando/mandamos/mandaremos mais | nao vou/vamos mais? mandar/enviar | removi/removido/removemos .. lista',
        'opt_out': 'parar de receber | nao receber | descadastr* | sair da lista | cancelar .. mensagens',
        'restart': 'recomecar | comecar de novo | do zero',
    }
)  # fmt: skip
_SENTENCE_ENDS = frozenset({'.', '!', '?', '…', END})
_LABEL = re.compile(
    r'(?:^|(?<=[\s:;,.?!(\[*]))(?:op[cç][aã]o\s{0,2})?[\[(*]{0,2}(\d{1,2}|[a-hA-H])(?:[\])*]{0,2}\s{0,2}[).:\]–-]|\ufe0f?\u20e3|\s-)[\s*]'
)
_BARE_LABEL = re.compile(r'(?:(?<=[\n?:,;]\s)|(?<=\s)|^)(\d)\s(?=[^\W\d])')
_BULLET = re.compile(r'(?:^|\n)\s{0,4}[-•*·▪➡✅]\s')


def topics_of(asked: str | None) -> frozenset[Topic]:
    """Return what the agent's last question is about; its last message as a whole when it asked nothing."""
    if not asked:
        return frozenset()
    words = read_words([asked])
    sentences = question_sentences(words)
    found: frozenset[Topic] = frozenset(hit.value for sentence in sentences for hit in _TOPICS.find(sentence))
    if found >= {'trade_in'} and _SEEKS.within(sentences[-1]):
        found -= {'trade_in'}
    if not found and _is_elliptic(question_sentences(words)[-1:]):
        found = frozenset(hit.value for hit in _TOPICS.find(words))
    if not found and _BARE_QUESTION.within(words) and (_WHY_DATA.within(words) or _asks_consent(words)):
        found = frozenset[Topic]({'consent'})
    return _settled(found)


def _asks_consent(words: Words) -> bool:
    return any(hit.value == 'consent' for hit in _TOPICS.find(words))


_SEEKS = Lexicon(
    {
        True: 'quer/queria/vai/gostaria/pretende/pensa/deseja .. levar/comprar/procurar/pegar/querer | qual .. quer | quer qual | procura | busca | no lugar | proximo'
    }
)
"""Asks for the car that is wanted, whatever was asked before it."""


def _is_elliptic(questions: list[Words]) -> bool:
    """Return whether a question leans on what was said before it: "Existe em dois estados. Qual é o seu?"."""
    return any(len(question) <= _FEW and question[0].text in ('qual', 'quais', 'e') for question in questions)


_FEW = 6
# "É só para o atendimento. Você aceita?" comes back to a question about personal data.
_BARE_QUESTION = Lexicon({True: 'aceita ? | concorda ? | autoriza ? | tudo bem ? | pode ser ? | de acordo ?'})
_WHY_DATA = Lexicon({True: 'para o/seu? atendimento | para te atender | terceiros | compartilha* | usados? apenas/so'})


def _settled(topics: frozenset[Topic]) -> frozenset[Topic]:
    """Keep the narrow reading: "qual valor de parcela" is not about the budget."""
    if topics & {'floor', 'ceiling'}:
        topics |= frozenset[Topic]({'budget'})
    for narrow, wider in _NARROW:
        if narrow in topics:
            topics -= wider
    return topics


_NARROW: tuple[tuple[Topic, frozenset[Topic]], ...] = (
    ('deposit', frozenset({'budget', 'payment'})),
    ('instalment', frozenset({'budget', 'payment'})),
    ('refused', frozenset({'brands', 'car'})),
    ('erasure', frozenset({'consent'})),
    ('elsewhere', frozenset({'city'})),
    ('consent', frozenset({'use', 'urgency', 'car', 'body', 'city', 'state', 'budget'})),
    ('trade_in', frozenset({'car', 'other_number'})),
)


def question_sentences(words: Words) -> list[Words]:
    """Return the questions among the sentences; all of them when there is none."""
    sentences = split_sentences(words)
    questions = [sentence for sentence in sentences if sentence[-1].text == '?']
    return questions or sentences


def split_sentences(words: Words) -> list[Words]:
    """Return the sentences with the sign that ends each; an end of message or line ends one."""
    sentences: list[Words] = []
    start = 0
    for i, word in enumerate(words):
        if word.text in _SENTENCE_ENDS:
            if i > start:
                sentences.append(Words(words[start : i + 1]))
            elif word.text == '?' and sentences:  # "economia, conforto...?"
                sentences[-1] = Words((*sentences[-1], word))
            start = i + 1
    if start < len(words):
        sentences.append(Words(words[start:]))
    return sentences


def options_of(asked: str | None) -> tuple[str, ...]:
    """Return the options that the agent listed, by number, letter, bullet, or with "ou" in its question."""
    if not asked:
        return ()
    labels = list(_LABEL.finditer(asked))
    first = next((i for i, label in enumerate(labels) if label[1].lower() in ('1', 'a')), None)
    if first is not None and len(labels) - first >= 2:
        chosen = _in_sequence(labels[first:])
        if len(chosen) >= 2:
            return _between(asked, chosen)
    bullets = list(_BULLET.finditer(asked))
    if len(bullets) >= 2:
        return _between(asked, bullets)
    lines = asked.rstrip().rstrip('?').rpartition('\n')[2]
    either = r'\s(?:ou|or|o)\s' if '¿' in asked else r'\s(?:ou|or)\s'
    for sentence in reversed(re.split(r'[.!?:]\s', lines)):  # "SUV ou sedan? Qual combina mais?"
        *parts, last = re.split(either, sentence)
        if parts:
            return (*(part.strip() for part in ','.join(parts).split(',') if part.strip()), last.strip())
    return _numbered(asked)


def _numbered(asked: str) -> tuple[str, ...]:
    """Return the options of "Qual? 1 economia 2 conforto 3 segurança", whose numbers carry no sign."""
    marks = list(_BARE_LABEL.finditer(asked))
    chosen = _in_sequence(marks) if marks and marks[0][1] == '1' else []
    return _between(asked, chosen) if len(chosen) >= 2 else ()


def _in_sequence(labels: list[re.Match[str]]) -> list[re.Match[str]]:
    numeric = labels[0][1].isdigit()
    chosen: list[re.Match[str]] = []
    for label in labels:
        expected = str(len(chosen) + 1) if numeric else chr(ord('a') + len(chosen))
        if label[1].lower() == expected:
            chosen.append(label)
    return chosen


def _between(asked: str, marks: list[re.Match[str]]) -> tuple[str, ...]:
    ends = [mark.start() for mark in marks[1:]] + [len(asked)]
    return tuple(
        asked[mark.end() : end].strip(' \n,;.*').partition('\n')[0].strip()
        for mark, end in zip(marks, ends, strict=True)
    )
