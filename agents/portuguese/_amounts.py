"""Amounts of money in a turn, with what stands beside each number that says it is something else."""

from __future__ import annotations

from dataclasses import dataclass

from agent_memory.agents.portuguese._data import word_set
from agent_memory.agents.portuguese._lexicon import Lexicon
from agent_memory.agents.portuguese._people import FOR_THEM, KIN
from agent_memory.agents.portuguese._text import SENTENCE_ENDS, Words

MOST = 10_000_000
_UNIT = {'mil': 1_000, 'lucas': 1_000, 'k': 1_000, 'thousand': 1_000, 'mi': 1_000_000, 'milhao': 1_000_000, 'milhoes': 1_000_000,
         'million': 1_000_000, 'millon': 1_000_000, 'millones': 1_000_000, 'kk': 1_000_000}  # fmt: skip
_MONEY = word_set(
    'reais real conto contos pila pilas pau paus mango mangos brl grana dinheiros barao baroes mangas rs '
    'reales dinheiro prata temer'
)
_DIMINUTIVE = {
    'vintinho': 20, 'vintinha': 20, 'trintinha': 30, 'trintinho': 30, 'trintao': 30, 'quarentinha': 40, 'quarentinho': 40, 'quarentao': 40,
    'cinquentinha': 50, 'cinquentinho': 50, 'cinquentao': 50, 'sessentinha': 60, 'sessentinho': 60, 'sessentao': 60, 'setentinha': 70,
    'setentinho': 70, 'setentao': 70, 'oitentinha': 80, 'oitentinho': 80, 'oitentao': 80, 'noventinha': 90, 'noventinho': 90,
    'noventao': 90, 'cenzinho': 100, 'cenzao': 100, 'vintao': 20, 'quinzinho': 15,
}  # fmt: skip
_AFTER = Lexicon(
    {
        False: 'no meu bolso/orcamento/limite/nome',
        True: 'de? entrada | para/como a? entrada | na entrada | dou de entrada | para? dar? de entrada | de sinal | por mes | mensais | '
        'mensal | ao mes | / mes | por litro | km/l | mes '
        '| de/na? parcela/prestacao/mensalidade | x | vezes | parcelas | prestacoes | km | quilometros | rodado* | '
        'de rodagem | anos | ano | meses '
        '| dias | dia | semanas | semana | portas | lugares | cv | cavalos | litros | l | % | por cento | pessoas | '
        'filhos | filhas '
        '| cilindradas | cc | v | valvulas | marchas | h | hs | hrs | horas | hora | hrs | polegadas | airbags | kg '
        '| quilos | cachorros | criancas '
        '| de/em/com gasolina/combustivel/alcool/etanol/aluguel/uber/aplicativo/taxi/oficina/conserto/pedagio | de renda/salario/desconto/fgts/bonus/troco/multa/divida/ipva/seguro | de pix | na fipe | pela fipe | de '
        'fipe | no meu/minha | pelo meu/minha '
        '| carros | carro | opcoes | modelos | unidades | / | por ano | adultos | netos | graus | minutos | min | '
        'estrelas | passageiros '
        '| a month | per month | down | years | year | months | days | weeks | al mes | monthly | de km | por semana '
        '| e/esta/fica/seria/acho muito/demais/caro/pesado/puxado/salgado/alto , | e/esta/fica/seria/acho muito/demais/caro/pesado/puxado/salgado/alto ./⏎/!/; '
        '| e/esta/fica muito/demais/caro/pesado/puxado/salgado/alto para mim '
        '| por dia | gatos | donos | dono',
    }
)
_BEFORE = Lexicon(
    {
        'amount': 'entrada | sinal | parcela | parcelas | parcelinha | prestacao | prestacoes | mensalidade | renda '
        '| salario | ganho | ganha | recebo | tiro '
        '| fipe | vale | valem | valendo | valia | avaliad* | vendi | vender | vendo | vendendo | pago de | paguei | '
        'comprei | peguei | levei | custa | custou | custando | '
        'custam | ofereceram | oferecem | anunciad* | anuncio | pagou/gastou/vendeu/comprou/levou/pegou/cobrou/financiou/trocou/fechou | pagaram/gastaram/venderam/compraram/levaram/pegaram/cobraram/financiaram | '
        'deu | divida | devo | ipva | multa | fgts | consorcio de | '
        'x de | vezes de | fazem | faz por | deixa por | deixam por | sai por | esta por | esta saindo | '
        'fechamos/fecha/fecho/levo/faz/deixa o/a/ele/ela/esse/essa .. por | vi um/uma | vi um/uma? '
        '.. por/de | vi por | vi em/na/no .. por | igual/parecido/parecida por | anuncio/site/olx/fipe/tabela/la/que .. mostra/mostrava | mostrava | aparece/aparecia/consta | financi*/parcel*/dividir/divido/dividido em/de | '
        'rodo | roda | rodei | rodando | desconto | score | salary | down payment | monthly | aluguel | seguro de | '
        'gastei '
        '| pedindo | pediu | pediram | saiu por | ta por | de volta | troco de | meu carro | meu usado | me da | me '
        'dao | pagam | pagariam',
        'kin': f'{KIN} .. tem/tinha/quer/pode/possui/juntou/gasta/paga/vai/ia',
        'free': 'casa dos/das/de',
        'exact': 'ano | modelo | motor | cpf | rg | cnh | cep | tel | telefone | fone | celular | zap | whats | '
        'whatsapp | numero | placa | chassi | '
        'renavam | cnpj | ha | faz | desde | dia | as | apto | casa | rua | de 19* | versao | aro | nota | opcao | '
        'uber | idade',
        'mine': 'meu | minha',
        'this': 'esse | essa | aquele | aquela | este | esta | desse | dessa | o | a | nesse | naquele',
    }
)
_POINTING = word_set('esse essa aquele aquela nesse nessa naquele naquela desse')
_FILLERS = word_set('e poucos poucas tantos pouco tal uns umas')
_TRAP_REACH = 5


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of BRL in words `start` up to, not including, `end`."""

    value: float
    start: int
    end: int
    scaled: bool
    """Whether a unit such as "mil" was said."""
    money: bool
    """Whether a unit or a currency was said."""

    def scaled_by(self, factor: int) -> Amount:
        """Return the amount in thousands where only the bare number was said."""
        return Amount(self.value * factor, self.start, self.end, scaled=True, money=True)


def find_amounts(words: Words, taken: frozenset[int]) -> list[Amount]:
    """Return the numbers that may be amounts, in order; those in `taken` belong to something else."""
    amounts: list[Amount] = []
    i = 0
    while i < len(words):
        amount = None if i in taken else _read(words, i)
        if amount is None:
            i += 1
            continue
        amounts.append(amount)
        i = amount.end
    return amounts


def _read(words: Words, i: int) -> Amount | None:
    word = words[i]
    after = words[i + 1].text if i + 1 < len(words) else ''
    if word.text in _DIMINUTIVE:
        return Amount(float(_DIMINUTIVE[word.text]), i, i + 1, scaled=False, money=True)
    if word.text in ('meio', 'um', 'half') and after in ('milhao', 'million'):
        return Amount(500_000.0 if word.text in ('meio', 'half') else 1_000_000.0, i, i + 2, scaled=True, money=True)
    if word.number is None:
        return None
    value, end = word.number, i + 1
    scaled = word.spelled and value >= 1_000
    while end < len(words) and words[end].text in _FILLERS and words[end - 1].text != 'uns' and end - i <= 2:
        end += 1
    if end < len(words) and words[end].text in _UNIT and not scaled:
        value *= _UNIT[words[end].text]
        scaled = True
        end += 1
        value, end = _and_hundreds(words, value, end)
    elif words[end - 1].text in _FILLERS:
        end = i + 1
    if not scaled and _is_hundreds_short(words, i, end):
        value, end, scaled = value * 1_000 + (words[end + 1].number or 0), end + 2, True
    currency = (i > 0 and words[i - 1].text in ('r$', '$')) or (i > 1 and words[i - 1].text == '$')
    if end < len(words) and words[end].text in ('de', 'r$') and end + 1 < len(words) and words[end + 1].text == 'reais':
        end += 1
    if end < len(words) and words[end].text in _MONEY:
        currency = True
        end += 1
    return Amount(value, i, end, scaled=scaled, money=scaled or currency)


def _is_hundreds_short(words: Words, i: int, end: int) -> bool:
    """Return whether "setenta e dois e quinhentos" leaves out its "mil"; "entre 80 e 200" does not."""
    if end + 1 >= len(words) or words[end].text != 'e' or not 10 <= (words[i].number or 0) < 100:
        return False
    rest = words[end + 1].number or 0
    opened = i > 0 and words[i - 1].text in ('entre', 'de', 'dos', 'between')
    unit = end + 2 < len(words) and words[end + 2].text in _UNIT
    return 200 <= rest < 1_000 and rest % 100 == 0 and not opened and not unit


def _and_hundreds(words: Words, value: float, end: int) -> tuple[float, int]:
    """Read the rest of "50 mil e 500" and of "1 milhão e meio"."""
    if end + 1 < len(words) and words[end].text == 'e':
        rest = words[end + 1]
        if rest.text == 'meio' and value >= 1_000_000:
            return value + 500_000, end + 2
        if rest.number is not None and 100 <= rest.number < 1_000 and value >= 1_000_000:
            return value + rest.number * 1_000, end + 2
        if rest.number is not None and 100 <= rest.number < 1_000 and value < 1_000_000:
            after = words[end + 2].text if end + 2 < len(words) else ''
            if after not in _UNIT:
                return value + rest.number, end + 2
    return value, end


def is_something_else(words: Words, amount: Amount, previous_end: int, taken: frozenset[int]) -> bool:
    """Return whether what stands beside the number says that it is no price to pay for the car."""
    if amount.value > MOST or amount.value <= 0:
        return True
    behind = _AFTER.at(words, amount.end) if amount.end < len(words) else None
    if behind and behind.value and not _is_range_slash(words, amount.end):
        return True
    total = amount.end < len(words) and _TOTAL.at(words, amount.end) is not None
    spendable = total or _SPENDABLE.within(words[amount.end : amount.end + _SPENT_WITHIN]) is not None
    return not spendable and _trapped_before(words, amount, previous_end, taken)


def _is_range_slash(words: Words, at: int) -> bool:
    return words[at].text == '/' and at + 1 < len(words) and words[at + 1].number is not None


def _trapped_before(words: Words, amount: Amount, previous_end: int, taken: frozenset[int]) -> bool:
    start = amount.start
    low = start
    while (
        low > previous_end and start - low < _TRAP_REACH + 3 and words[low - 1].text not in SENTENCE_ENDS | {',', ';'}
    ):
        low -= 1
    # "a entrada é, digamos, 10 mil" is rare; a comma before the number mostly opens another thought.
    window = words[low:start]
    hits = _BEFORE.find(window)
    for hit in reversed(hits):
        between = [word.text for word in window[hit.end :]]
        if _RELEASE & set(between):
            return False
        if hit.value == 'free':
            return False
        if hit.value == 'amount' and len(between) <= _TRAP_REACH:
            return True
        if hit.value == 'kin' and len(between) <= _TRAP_REACH and not FOR_THEM.within(words):
            return True
        if hit.value == 'exact' and not amount.money and len(between) <= 1 + ('de' in between):
            return True
        if hit.value == 'mine' and between[-1:] == ['de'] and taken.issuperset(range(low + hit.end, start - 1)):
            return True
        points = between == ['de'] and window[hit.start].text in _POINTING
        if hit.value == 'this' and between[-1:] in (['de'], ['por'], ['a']) and (low + hit.end in taken or points):
            return True
    return False


_TOTAL = Lexicon({True: 'no total | ao todo | total | fechado'})
_SPENDABLE = Lexicon(
    {
        True: 'posso/podemos/vou/vamos/quero/queremos/da/pretendo para? gastar/usar/investir/botar/por/colocar/dar tudo/ele/eles/isso/todo/inteiro/esse/tudinho/o/ate | '
        'e/sera isso/esse/tudo que/o? eu? tenho/temos/posso/podemos | e o que eu? tenho/temos/posso/podemos/da'
    }
)
"""Says that what something brought in is there to be spent: "vendi o gado, deu 93 mil, posso gastar tudo"."""
_SPENT_WITHIN = 10
_RELEASE = word_set('comprar total orcamento teto fechado gastar investir limite quero procuro')
