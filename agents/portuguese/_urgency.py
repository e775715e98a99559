"""When the person wants to buy, from set phrases, durations and dates."""

from __future__ import annotations

from datetime import date

from agent_memory.agents.portuguese._calendar import find_dates
from agent_memory.agents.portuguese._changes import stated
from agent_memory.agents.portuguese._data import read_rows, word_set
from agent_memory.agents.portuguese._lexicon import Hit, Lexicon
from agent_memory.agents.portuguese._scene import Scene
from agent_memory.agents.portuguese._text import SENTENCE_ENDS, Words
from agent_memory.lead import Urgency
from agent_memory.profile import Change

_NOW, _SOON, _LATER, _OPEN = (
    Urgency.IMMEDIATE,
    Urgency.ONE_TO_THREE_MONTHS,
    Urgency.THREE_TO_SIX_MONTHS,
    Urgency.EXPLORING,
)


def _phrases(*, asked: bool) -> Lexicon[Urgency]:
    """Return what is said of the time to buy; with `asked`, what says it only in answer to the question."""
    rows = [row for row in read_rows('urgency.csv') if bool(row['asked']) == asked]
    return Lexicon({value: ' | '.join(row['phrase'] for row in rows if row['value'] == value) for value in Urgency})


_PHRASES = _phrases(asked=False)
_ASKED = _phrases(asked=True)
_DAYS = {'dia': 1, 'dias': 1, 'days': 1, 'day': 1, 'semana': 7, 'semanas': 7, 'weeks': 7, 'week': 7, 'mes': 30, 'meses': 30, 'months': 30, 'month': 30,
         'ano': 365, 'anos': 365, 'year': 365, 'years': 365, 'quinzena': 15}  # fmt: skip
_AHEAD = Lexicon(
    {
        True: 'daqui a? | daqui | dentro de | em | ate | proximos | proximas | uns | umas | para daqui | prazo de | '
        'entre | within | in | no prazo | mais | la para | espero | esperar | comprar | en | no maximo | de aqui | '
        'somente | so | por volta de'
    }
)
_NOT_AHEAD = Lexicon(
    {
        True: 'ha | faz | garantia | financi* | parcel* | vezes | tenho | tem | habilitado | carteira | uso | usado '
        '| com | tirei | consorcio | vencimento | contrato | trabalho | moro | casado | por | todo | todos | cada | '
        'a cada | demora | entrega em | ipva | seguro | desde | filho | filha | bebe | gravida | atras | recem'
    }
)
_BEHIND_NOT = frozenset(
    {'atras', 'garantia', 'uso', 'idade', 'de', 'que', 'parcelas', 'sem', 'passado', 'passados', 'rodando', 'grávida'}
)
_NEGATION = frozenset({'nao', 'nem', 'sem', 'nenhuma', 'no'})


def extract_urgency(scene: Scene) -> list[Change]:
    """Return the change of `urgency`; the last statement of the turn wins."""
    named = [*_said(scene), *_durations(scene), *_dates(scene), *_days_of_month(scene)]
    found = [hit for hit in named if not _is_of_another_plan(scene, hit)]
    if not found and scene.asks('urgency') and scene.bare:
        found = [hit for hit in _ASKED.find(scene.words) if not _negated(scene.words, hit)][:1]
    if not found:
        return []
    return [stated(scene.profile, 'urgency', max(found, key=lambda hit: hit.end).value.value)]


def _said(scene: Scene) -> list[Hit[Urgency]]:
    return [
        Hit(_OPEN, hit.start, hit.end) if hit.value is _NOW and _negated(scene.words, hit) else hit
        for hit in _PHRASES.find(scene.words)
        if _fits(scene, hit)
    ]


def _fits(scene: Scene, hit: Hit[Urgency]) -> bool:
    words = scene.words
    text = words[hit.start].text
    if text == 'curioso' or (text == 'um' and hit.end - hit.start == 2):
        return scene.asks('urgency')
    if text in ('se', 'quando') and hit.value is _OPEN:
        return not any(word.number is not None for word in words[hit.end : hit.end + 7])
    if text in ('fim', 'final', 'no') and hit.value is _OPEN:
        return _until_year_end(scene.today) is _OPEN
    return True


def _is_of_another_plan(scene: Scene, hit: Hit[Urgency]) -> bool:
    """Return whether the time is that of another plan: "vou me mudar pra Joinville mês que vem"."""
    if scene.asks('urgency'):
        return False
    words = scene.words
    before = words[max(0, hit.start - 6) : hit.start]
    plans = _PLANS.find(before)
    if _BUYS_BEFORE.within(words[hit.end : hit.end + 12]):
        return False
    if plans and not _BUYS.within(before[plans[-1].end :]):
        return True
    end = hit.end
    while end < len(words) and end - hit.end < 10 and words[end].text not in SENTENCE_ENDS | {','}:
        end += 1
    return _PLANS.within(words[hit.end : end]) is not None and not _BUYS.within(words[hit.end : end])


_PLANS = Lexicon(
    {
        True: 'mudar | mudo | mudando | mudamos | mudanca | casar | me/eu/nos caso/casamos | casamento | faco/faz/fazemos .. anos | vem/chega/chegam em/para | te chamo/respondo/retorno/aviso/falo/ligo | acaba/termina/acabar/terminar | entregam | entregar | demora* | viajar | viajo | viajamos | formar | '
        'formo | formatura | aposentar | aposento | morar | pego/tiro/saio/entro de? ferias | aniversario | nasce | nascer | vence | venceu | vencer'
    }
)
_BUYS_BEFORE = Lexicon(
    {
        True: 'quero/queremos/preciso/precisamos/queria/quer .. antes | quero/queremos/preciso/precisamos/queria/quer .. ate la'
    }
)
"""Says that the other plan is what the car is needed for: "o bebê nasce em junho, quero trocar antes"."""
_BUYS = Lexicon(
    {
        True: 'preciso | precisamos | precisando | quero | queremos | queria | comprar | compro | trocar | pegar | fechar | carro'
    }
)


def _until_year_end(today: date) -> Urgency:
    return _by_days((date(today.year, 12, 15) - today).days)


def _negated(words: Words, hit: Hit[Urgency]) -> bool:
    before = [word.text for word in words[max(0, hit.start - 3) : hit.start] if word.text not in SENTENCE_ENDS]
    if before[:2] == ['nem', 'que']:  # "nem que seja amanhã"
        return False
    if hit.end < len(words) and _NO_BEHIND.at(words, hit.end):
        return True
    return any(word in _NEGATION for word in before) and words[hit.start - 1].text not in (',', *SENTENCE_ENDS)


# "preciso pra logo não"; in "urgente não, mas logo" as well.
_NO_BEHIND = Lexicon({True: 'nao ⏎/./,/!/;'})


def _durations(scene: Scene) -> list[Hit[Urgency]]:
    words = scene.words
    found: list[Hit[Urgency]] = []
    for i, word in enumerate(words):
        unit = _DAYS.get(words[i + 1].text) if i + 1 < len(words) else None
        amount = word.number if word.number is not None else 1.0 if word.text in ('um', 'uma') else None
        if word.text == 'alguns' and unit:
            amount = 2.0
        if unit is None or amount is None or not _is_ahead(scene, i):
            continue
        half = 0.5 if [w.text for w in words[i + 2 : i + 4]] == ['e', 'meio'] else 0
        if amount * unit <= 365 * 5:
            found.append(Hit(_by_days(round((amount + half) * unit)), i, i + 2))
    return found


def _is_ahead(scene: Scene, at: int) -> bool:
    words = scene.words
    low = at
    while low and at - low < 5 and words[low - 1].text not in SENTENCE_ENDS | {','}:
        low -= 1
    before = words[low:at]
    after = words[at + 2].text if at + 2 < len(words) else ''
    if after in _BEHIND_NOT and after != 'de':
        return False
    if (
        after in ('de', 'sem')
        and at + 3 < len(words)
        and words[at + 3].text in ('garantia', 'uso', 'idade', 'parcela', 'habilitacao', 'carteira', 'casado', 'carro')
    ):
        return False
    if _NOT_AHEAD.within(before):
        return False
    number = words[at].number
    if number is not None and number > 12 and words[at + 1].text in ('meses', 'months') and not scene.asks('urgency'):
        return False
    restated = scene.bare and bool(scene.corrections)
    return restated or scene.asks('urgency') or _AHEAD.within(before) is not None


def _by_days(days: int) -> Urgency:
    if days <= 30:
        return _NOW
    if days <= 95:
        return _SOON
    return _LATER if days <= 190 else _OPEN


def _days_of_month(scene: Scene) -> list[Hit[Urgency]]:
    """Read "preciso pro dia 20": the next day of that number is at most a month away."""
    return [
        Hit(_NOW, i, i + 2)
        for i in scene.words.places.get('dia', ())
        if scene.asks('urgency')
        and i + 1 < len(scene.words)
        and scene.words[i + 1].number in range(1, 32)
        and (i + 3 >= len(scene.words) or scene.words[i + 2].text != 'de')
    ]


def _dates(scene: Scene) -> list[Hit[Urgency]]:
    dates = find_dates(scene.words, scene.today, asked=scene.asks('urgency'))
    return [
        Hit(_by_days(ahead.days), ahead.start, ahead.end)
        for ahead in dates
        if ahead.start not in scene.of_vehicles  # the Nissan March
        and not any(word.text in _PAST for word in scene.words[max(0, ahead.start - 4) : ahead.end + 2])
    ]


_PAST = word_set(
    'desde nasci ano passado comprei tirei mudo mudar mudamos caso morava trabalhava morei trabalhei vivia estava estive '
    'fiquei era tinha tive fui vendi aposentei'
)
