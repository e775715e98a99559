"""The budget: its upper and lower bound in whole BRL."""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent_memory.agents.portuguese._amounts import MOST, Amount, find_amounts, is_something_else
from agent_memory.agents.portuguese._bounds import BEHIND, BOUNDS, OPPOSITE, Bound, bound_before, is_turned_down
from agent_memory.agents.portuguese._brands import is_year
from agent_memory.agents.portuguese._changes import dropped, stated
from agent_memory.agents.portuguese._data import word_set
from agent_memory.agents.portuguese._lexicon import Hit, Lexicon
from agent_memory.agents.portuguese._scene import Scene
from agent_memory.agents.portuguese._text import END, SENTENCE_ENDS, Words
from agent_memory.profile import Change

_NOUNS = Lexicon(
    {
        True: 'orcamento | valor | faixa | gastar | gasto | investir | investimento | pagar | pago | budget | verba '
        '| disponho | disponivel | disponiveis | '
        'grana | dinheiro | preco | tenho ate | quero dar | spend | pay | gastaria | pagaria | invisto | juntei | '
        'guardados | guardado | guardei | guardamos | juntamos | juntar | sobrou | sobraram | sobra | restou | restaram | economizei | economizamos | bolso | desembolsar | presupuesto'
    }
)
_MORE = Lexicon(
    {True: 'colocar/botar/por/adicionar/aumentar/aumenta/subir/sobe/esticar/dar/juntar/somar mais | aumento? mais'}
)
_UP = Lexicon({True: 'sobe/suba/subir/aumenta/aumente/aumentar/acrescenta/acrescente uns?'})
_LESS = Lexicon({True: 'diminui/diminuir/reduz/reduzir/baixa/baixar/tira/tirar'})
_MORE_BEHIND = Lexicon({True: 'a mais | de acrescimo | alem disso | em cima disso'})
_BETWEEN = (
    'a | e | para | ate | - | ~ | / | ou | , | to | and | y | hasta | a r$ | e r$ | ate r$ | - r$ | / r$ | ou r$ | '
    'ate no maximo | ate o maximo | e no maximo | a uns | e uns | ou uns | e os | aos | a os | ao | e ate | e no maximo uns | indo ate | e indo ate | '
    ', ate uns | a no maximo | or | ate os | ate uns | e por volta de'
)
_JOINTS = frozenset(tuple(joint.split()) for joint in _BETWEEN.split('|'))
_REACH = 6
_PLURALS_FINE = word_set('reais contos pilas paus mangos nos mas tops mais menos reales temos das dos as os ces voces')


@dataclass(frozen=True, slots=True)
class _Said:
    """One amount or range with its bound."""

    bound: Bound | None
    low: float | None
    high: float
    start: int
    end: int


def extract_money(scene: Scene) -> list[Change]:
    """Return the changes of `budget_min` and `budget_max`."""
    changes = _unsaid(scene)
    said = _statements(scene)
    if not said:
        return changes
    low, high = _settle(_since_correction(scene, said))
    if high is not None and low is None and _restarts(scene, said):
        changes = dropped(scene.profile, 'budget_min')
    bounds = (('budget_min', low), ('budget_max', high))
    return changes + [stated(scene.profile, field, round(value)) for field, value in bounds if value is not None]


def _unsaid(scene: Scene) -> list[Change]:
    """Return the changes that drop an amount which is taken back: "não considera esses 120"."""
    if scene.profile.budget_min is None and scene.profile.budget_max is None:
        return []
    gone = {amount.value for amount in find_amounts(scene.words, scene.of_vehicles) if _is_unsaid(scene.words, amount)}
    gone |= {value * 1_000 for value in gone}
    known = (('budget_min', scene.profile.budget_min), ('budget_max', scene.profile.budget_max))
    return [change for field, value in known if value in gone for change in dropped(scene.profile, field)]


def _is_unsaid(words: Words, amount: Amount) -> bool:
    before = words[max(0, amount.start - _REACH) : amount.start]
    return any(hit.end == len(before) for hit in _UNSAY.find(before)) or _is_not_it(words, amount)


def _is_not_it(words: Words, amount: Amount) -> bool:
    """Return whether an amount is only named to say that it is another: "não é 80, é 60"."""
    before = words[max(0, amount.start - _REACH) : amount.start]
    denied = any(hit.end == len(before) for hit in _NOT_IT.find(before))
    return denied and any(word.number is not None for word in words[amount.end : amount.end + _REACH])


_NOT_IT = Lexicon({True: 'nao e/era/eram/sao/seriam/seria/foi/tenho/temos/tinha/falei/disse uns/so/mais? | nem'})


_UNSAY = Lexicon(
    {
        True: 'nao considera*/conta/conte/contem/leva/leve .. esse/esses/essa/os/o | '
        'esquec*/desconsider*/ignor*/apag*/tir*/risc* esse/esses/essa/os/o | esquec*/desconsider*/ignor* .. disse/falei de/dos?'
    }
)


def _restarts(scene: Scene, said: list[_Said]) -> bool:
    """Return whether a plain amount replaces a range said before; a named bound only moves that bound."""
    return (
        scene.profile.budget_max is not None
        and all(one.bound in (None, 'about') for one in said)
        and not _NOUN_BOUND.within(scene.words)
    )


_NOUN_BOUND = Lexicon({True: 'teto | limite | maximo | pode ser | sobe | subir | aumenta* | baixa*'})


def _statements(scene: Scene) -> list[_Said]:
    words = scene.words
    taken = scene.of_vehicles | {i for i in words.places.get('99', ()) if not _is_amount_99(words, i)}
    amounts = find_amounts(words, taken)
    bounds = BOUNDS.find(words)
    said: list[_Said] = []
    i = 0
    previous = 0
    while i < len(amounts):
        amount = amounts[i]
        following = amounts[i + 1] if i + 1 < len(amounts) else None
        pair = following and _range(words, amount, following)
        ends = following.end if pair and following else amount.end
        last = following if pair and following else amount
        year = _year(amount, words, pair=bool(pair))
        if (
            year
            or _is_unsaid(words, amount)
            or is_something_else(words, replace(last, start=amount.start), previous, taken)
        ):
            # The year of a car does not part its price from what says so: "vi um onix 2021 por 68.990".
            previous = previous if year else ends
            i += 2 if pair else 1
            continue
        one = _range_said(words, amount, pair, bounds, previous) if pair else _single(scene, amount, bounds, previous)
        if one is not None:
            said.append(one)
        if one is not None or not _is_short_year(words, amount, taken):
            previous = ends
        i += 2 if pair else 1
    return said


def _is_short_year(words: Words, amount: Amount, taken: frozenset[int]) -> bool:
    """Return whether a number is the year of the car before it: "aquele cronos 21 de 63.900"."""
    return amount.start - 1 in taken and amount.value < 100 and not amount.money and words[amount.start].raw.isdecimal()


def _is_amount_99(words: Words, i: int) -> bool:
    after = words[i + 1].text if i + 1 < len(words) else ''
    return after in ('mil', 'k', 'reais')


def _range(words: Words, first: Amount, second: Amount) -> tuple[float, float] | None:
    """Return both ends when the two numbers are one range; a unit on the second covers the first."""
    if not _joins(words, first, second):
        return None
    low, high = first.value, second.value
    if not first.scaled and low < 1_000 <= high:
        low *= 1_000
    if not second.scaled and high < 1_000 <= low:
        high *= 1_000
    if low < 1_000 and high < 1_000:
        if not (low >= 5 and (low.is_integer() and high.is_integer())):
            return None
        low, high = low * 1_000, high * 1_000
    return (low, high) if low < high <= MOST else None


def _joins(words: Words, first: Amount, second: Amount) -> bool:
    """Return whether what stands between two numbers makes them one range."""
    joint = tuple(word.text for word in words[first.end : second.start])
    if joint[:1] == (END,) and joint[1:2] in (('a',), ('ate',), ('e',), ('ou',), ('-',)):
        joint = joint[1:]  # "vai de 55", "a 70 mil"
    if joint not in _JOINTS:
        return False
    if not first.money and (_year(first, words, pair=False) or first.value < 5) and second.money:
        return False
    if joint == ('para',):
        return _CHANGES.within(words[max(0, first.start - _REACH) : first.start]) is None  # "muda de 70 pra 80"
    if joint == (',',) and second.end < len(words) and BEHIND.at(words, second.end):
        return False  # "50, 55 no máximo"
    if joint == ('/',):
        return first.scaled == second.scaled or not first.scaled
    if joint == (',',):
        return not first.scaled
    return joint != ('e',) or not (first.scaled and second.scaled) or _opened(words, first.start)


_CHANGES = Lexicon(
    {True: 'mud* | sub* | aument* | baix* | diminu* | reduz* | troc* | passa/passar/passou | corrig* | era | foi'}
)


def _opened(words: Words, start: int) -> bool:
    return any(word.text in ('entre', 'de', 'dos', 'between') for word in words[max(0, start - 3) : start])


def _year(amount: Amount, words: Words, *, pair: bool) -> bool:
    if amount.money or not is_year(amount.value):
        return False
    typed = words[amount.start].raw
    return typed.isdecimal() or words[amount.start].spelled or pair


def _range_said(
    words: Words, first: Amount, pair: tuple[float, float], bounds: list[Hit[Bound]], previous: int
) -> _Said | None:
    cue = bound_before(words, bounds, first.start, previous)
    end = first.end
    if cue == 'max':
        return _Said('max', None, pair[1], first.start, end)
    return _Said('between', pair[0], pair[1], first.start, end)


def _single(scene: Scene, amount: Amount, bounds: list[Hit[Bound]], previous: int) -> _Said | None:
    words = scene.words
    bound = bound_before(words, bounds, amount.start, previous)
    behind = BEHIND.at(words, amount.end) if amount.end < len(words) else None
    if behind and not (bound in OPPOSITE and _is_number(words, behind.end)):  # "min 20 max 30"
        bound = behind.value
    elif bound == 'between':
        bound = None
    if bound in OPPOSITE and is_turned_down(words, behind.end if behind else amount.end):
        bound = OPPOSITE[bound]
    if bound in (None, 'about') and scene.asks('floor') and not scene.asks('ceiling'):
        bound = 'min'
    if not _is_money(scene, amount, bound, previous):
        return None
    value = amount.value * 1_000 if amount.value < 1_000 else amount.value
    value = _raised(scene, amount, value)
    return _Said(bound, None, value, amount.start, amount.end) if value <= MOST else None


def _is_number(words: Words, at: int) -> bool:
    return at < len(words) and words[at].number is not None


def _raised(scene: Scene, amount: Amount, value: float) -> float:
    """Return what an amount comes to when it changes what was known: "posso colocar mais 5 mil", "diminui 5 mil"."""
    known = scene.profile.budget_max
    if not known or value >= known:
        return value
    if _adds(scene, amount):
        return value + known
    before = scene.words[max(0, amount.start - 2) : amount.start]
    if value * 3 <= known and any(hit.end == len(before) for hit in _UP.find(before)):
        return value + known
    less = _LESS.within(scene.words[max(0, amount.start - 1) : amount.start]) and value * 3 <= known
    return known - value if less else value


def _adds(scene: Scene, amount: Amount) -> bool:
    before = scene.words[max(0, amount.start - 3) : amount.start]
    behind = amount.end < len(scene.words) and _MORE_BEHIND.at(scene.words, amount.end) is not None
    return scene.profile.budget_max is not None and (behind or _MORE.within(before) is not None)


def _is_money(scene: Scene, amount: Amount, bound: Bound | None, previous: int) -> bool:
    if amount.money and (amount.value >= 1_000 or _slang(scene, amount) or bound or scene.asks('budget')):
        return not (scene.asks('deposit', 'instalment', 'other_number') and bound is None and not scene.asks('budget'))
    if not _in_thousands(amount.value) or amount.value < 5 or scene.asks('deposit', 'instalment', 'other_number'):
        return False
    after = scene.words[amount.end].text if amount.end < len(scene.words) else ''
    if after.isalpha() and after.endswith('s') and after not in _PLURALS_FINE:
        return False
    if 1_000 <= amount.value < 3_000 or amount.value > MOST or _is_instalment(scene, amount):
        return False
    window = scene.words[max(previous, amount.start - _REACH) : amount.start]
    if previous and window and window[-1].text == 'ou':
        return True
    named = bound is not None or _NOUNS.within(window) is not None
    typo = bool(window) and window[-1].text == '*'
    typo = typo or (
        (previous or scene.profile.budget_max is not None) and scene.corrected_between(previous, amount.start)
    )
    named = (
        named
        or ((previous > 0 or scene.profile.budget_max is not None) and _holds(scene.words, amount))
        or _adds(scene, amount)
    )
    typo = typo or (scene.profile.budget_max is not None and _is_decided(scene.words, amount))
    typo = typo or (scene.profile.budget_max is not None and bool(scene.corrections) and len(scene.words) <= _REACH)
    typo = typo or any(scene.says_before(lexicon, amount.start) for lexicon in (_UNSAY, _NOT_IT))
    return named or typo or scene.asks('budget') or (amount.value >= 10_000 and '.' in scene.words[amount.start].raw)


def _in_thousands(value: float) -> bool:
    """Return whether a bare number is whole, or thousands and hundreds: "45.9" for 45,900."""
    return value.is_integer() or (value >= 10 and (value * 10).is_integer())


def _is_decided(words: Words, amount: Amount) -> bool:
    """Return whether a number is what one settles on: "vamos de 45 então"."""
    before = words[max(0, amount.start - _REACH) : amount.start]
    return any(hit.end == len(before) for hit in _DECISIONS.find(before))


def _is_instalment(scene: Scene, amount: Amount) -> bool:
    """Return whether a bare amount of hundreds goes with an instalment of its sentence: "parcela que caiba no bolso, até 900"."""
    before = scene.words[max(0, amount.start - 2 * _REACH) : amount.start]
    said = next((i for i in range(len(before) - 1, -1, -1) if before[i].text in SENTENCE_ENDS), -1) + 1
    return 100 <= amount.value < 5_000 and _INSTALMENTS.within(before[said:]) is not None


_INSTALMENTS = Lexicon({True: 'parcela | parcelas | parcelinha* | prestacao | prestacoes | mensalidade | por mes'})


def _holds(words: Words, amount: Amount) -> bool:
    """Return whether a bare number beside another amount is what the person has or takes: "eu tenho 60", "80 tá bom"."""
    before = words[amount.start - 1].text if amount.start else ''
    return before in _HAVING or (amount.end < len(words) and _FINE.at(words, amount.end) is not None)


_HAVING = word_set(
    'gastar investir pagar talvez tenho temos consigo conseguimos posso podemos quero queremos pago pagamos gasto so'
)
_FINE = Lexicon({True: 'esta/e/fica/seria bom/otimo/ok/ideal/perfeito/certo/melhor | serve | fecha | da para mim'})


def _slang(scene: Scene, amount: Amount) -> bool:
    word = scene.words[amount.end - 1].text
    return word not in ('reais', 'real', 'rs', 'brl') or amount.value >= 15


def _since_correction(scene: Scene, said: list[_Said]) -> list[_Said]:
    decided = _DECISIONS.find(scene.words)
    for index in range(len(said) - 1, 0, -1):
        end, start = said[index - 1].end, said[index].start
        settled = any(end <= hit.start and hit.end <= start for hit in decided)
        if scene.corrected_between(end, start) or settled or _outdated(scene.words, said, index):
            return said[index:]
    return said


def _outdated(words: Words, said: list[_Said], index: int) -> bool:
    """Return whether the amount before `index` was a plan that a "mas" parts from what holds: "pensei em 75, mas é 70"."""
    since = said[index - 2].end if index > 1 else 0
    before, between = words[since : said[index - 1].start], words[said[index - 1].end : said[index].start]
    return _ONLY.within(between) is not None or (
        _PLANNED.within(before) is not None and _BUT.within(between) is not None
    )


_PLANNED = Lexicon(
    {
        True: 'tinha | tinhamos | havia/haviamos pensado/planejado/falado/dito | pensei | pensava/pensavamos | planejei | queria/queriamos '
        '| estava/estavamos pensando/querendo/vendo | ia/iamos | era/eram | a ideia era | falei | disse'
    }
)
_ONLY = Lexicon({True: 'mas so/somente/apenas | mas eu so/somente | so que so'})
_BUT = Lexicon({True: 'mas | porem | so que | agora | entretanto | contudo'})
_DECISIONS = Lexicon(
    {
        True: 'vamos de/com/em/fechar/colocar/por/botar | fechamos/fecha/fechar/ficamos/fica/fico/ficar em/com/por/nos | '
        'sobrou/sobraram/restou/restaram so/uns/apenas? | fiquei/ficamos so? com | bota/coloca/poe/considera/anota/deixa ai? | combinamos | decidi/decidimos'
    }
)


def _settle(said: list[_Said]) -> tuple[float | None, float | None]:
    """Return the lower and the upper bound that the statements of one turn come to."""
    totals = [one.high for one in said if one.bound == 'total']
    ranges = [one for one in said if one.low is not None]
    named = [one.high for one in said if one.bound == 'max']
    plain = [one.high for one in said if one.bound in (None, 'about')]
    lows = [one.high for one in said if one.bound == 'min']
    if totals:
        return None, totals[-1]
    low = lows[-1] if lows else ranges[-1].low if ranges else None
    high = max(named) if named else ranges[-1].high if ranges else max(plain, default=None)
    if high is None and not lows:
        high = max((one.high for one in said if one.bound == 'over'), default=None)
    if low is not None and high is not None and low >= high:
        return (None, high) if not lows or named else (low, None)
    return low, high
