"""When the person wants to buy, from set phrases, durations and dates."""

from __future__ import annotations

from datetime import date

from agent_memory.agents.portuguese._changes import stated
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

_PHRASES: Lexicon[Urgency] = Lexicon(
    {
        _NOW: 'preciso/precisando/precisamos/necessito/necessitamos/quero/queremos de? um/uma/outro/outra/carro/veiculo/comprar/trocar/dele .. ja/logo/agora/hoje/rapido/amanha/depressa ⏎/./!/,/; | '
        'nao da/dou/consigo/posso/podemos/tem/tenho para/de/como? esperar/aguardar/enrolar mais? | caso/questao de urgencia | assim/logo que possivel | mais rapido/breve/cedo que/q? der/puder/possivel/desse/puderem/conseguir | daqui a pouco | daqui uns/alguns dias | precisando demais/urgente | urgente | urgentemente | urgencia | com pressa | tenho pressa | estou com pressa | para ontem | para '
        'hoje | ainda hoje | fechar/fecho/fazer/resolver negocio/compra/isso hoje/amanha/agora/ja/logo | comprar/fechar/resolver/pegar/levar hoje/agora/ja/logo/amanha | para agora | agora '
        'mesmo | o quanto antes | quanto antes | '
        'mais rapido possivel | o mais breve | mais breve possivel | imediato | imediata | imediatamente | essa '
        'semana | ate o fim/final da semana | compro/fecho/levo/pego/comprando hoje/agora/ja/amanha/logo | compro/fecho/levo/pego na hora | esta semana | nesta semana | nessa semana | semana que vem | proxima semana | esse mes | este mes '
        '| neste mes | nesse mes | '
        'fim do mes | final do mes | ate o fim/final do/desse/deste mes | proximos dias | esses dias | nesses dias | '
        'em breve | logo logo | asap | right away | urgent | urgently | as soon as possible | immediately | this '
        'week | this month | today | lo antes posible | '
        'urgente* | tem pressa | pressa | correndo | para ja | ja ja | para semana | hoje mesmo | ate '
        'segunda/terca/quarta/quinta/sexta/sabado/domingo | para segunda/terca/quarta/quinta/sexta/sabado/domingo | ate o? dia | o mais cedo possivel | quinzena | esse fim '
        'de '
        'semana | fim de semana que vem | fds que vem | proximo fim de semana | proximo fds | '
        'segunda/terca/quarta/quinta/sexta/sabado/domingo que vem | proxima segunda/terca/quarta/quinta/sexta | proximo sabado/domingo | '
        'amanha mesmo | ainda essa/esta semana | ainda esse/este mes | estou sem carro | estamos sem carro '
        '| fiquei sem carro | a pe | ahora mismo | esta semana | next week',
        _SOON: 'ate o? fim/final do mes que vem | fim/final/meio/inicio/comeco/ate de/do mes que vem | fim/final do proximo mes | mes que vem | proximo mes | mes seguinte | mes q vem | next month | um mes e meio | proximo '
        'trimestre | nesse trimestre | ate o meio do ano | um ou dois meses | par de meses | couple of months | '
        'proximos meses | proximo mes* | mes que entra | '
        'mes proximo | proximo mes',
        _LATER: 'semestre que vem | proximo semestre | segundo semestre | 2 semestre | meio do ano | metade do ano | '
        'meados do ano | half a year | meio ano | outro semestre',
        _OPEN: 'nao estou/estamos/e .. desesperado/desesperada/desesperados/desespero/ansioso/ansiosa/afoito/afoita | nao tenho/ha/tem/existe prazo/data/previsao | so? sapeando/fucando/xeretando/espiando/bisbilhotando/bisoiando/zapeando/fuxicando/assuntando | so dando .. olhadinha/espiada | olhadinha | sem afobacao | sem afobamento | sem aperreio | nao .. afobacao/afobado/afobada/aperreado/aperreio | devagar e sempre | devagarinho | uma hora dessas | qualquer hora/dia | um dia desses | sondagem | so namorando/paquerando/flertando | namorando/paquerando os/uns/alguns | sem pressa | nao tenho .. pressa | nao .. pressa | sem urgencia | nao .. urgencia | nao .. urgente | '
        'nada urgente | so olhando | so .. olhada | dando uma olhada | so pesquisando | so vendo/olhando/checando/pesquisando preco/precos/valores | vendo/checando preco/precos | pesquisando | so .. olhar | '
        'olhando ainda | estou olhando | olhar por enquanto | sem previsao | '
        'so curiosidade | por curiosidade | curioso | ano que vem | proximo ano | sem data | sem prazo | com calma | '
        'tranquilo quanto | quando aparecer | se aparecer | nao sei quando | sem correria | sem compromisso | so '
        'especulando | especulando | so cotando | '
        'no rush | no hurry | just looking | just browsing | browsing | not in a hurry | sin apuro | sin prisa | '
        'solo mirando | estoy mirando | sem estresse | futuramente | um dia | mais para frente | um dia quem sabe | '
        'nao .. com pressa | nao decidi .. quando | '
        'nao agora | nao e para agora | nao e pra ja | avaliando ainda | ainda avaliando | estudando ainda | ainda '
        'estudando | so sondando | sondada | dar uma olhada | sondando | pesquisar precos | quando der | la na '
        'frente | next year | fim do ano | final do ano | daqui um ano | no natal | fim de ano',
    }
)
_ASKED: Lexicon[Urgency] = Lexicon(
    {
        _NOW: 'agora | ja | hoje | amanha | logo | rapido | o quanto | breve | now | imediat* | essa | esta | muita '
        '| muito | semana | dias | ahora | pronto | depressa',
        _SOON: 'mes que | trimestre',
        _LATER: 'semestre | meio do',
        _OPEN: 'nao sei | tanto faz | indefinido | depende | sem | calma | tranquilo | nenhuma | ainda nao | '
        'qualquer | so olhando | natal | fim do ano | ano',
    }
)
_MONTHS = {
    name: number
    for number, names in enumerate(
        [
            'janeiro/jan/january/enero',
            'fevereiro/fev/february/febrero',
            'marco/mar/march/marzo',
            'abril/abr/april',
            'maio/may/mayo',
            'junho/jun/june/junio',
            'julho/jul/july/julio',
            'agosto/ago/august',
            'setembro/set/september/septiembre',
            'outubro/out/october/octubre',
            'novembro/nov/november',
            'dezembro/dez/december/diciembre',
        ],
        start=1,
    )
    for name in names.split('/')
}
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
    found = [*_said(scene), *_durations(scene), *_dates(scene), *_days_of_month(scene)]
    if not found and scene.asks('urgency') and scene.bare:
        found = [(hit.end, hit.value) for hit in _ASKED.find(scene.words) if not _negated(scene.words, hit)][:1]
    if not found:
        return []
    return [stated(scene.profile, 'urgency', max(found, key=lambda item: item[0])[1].value)]


def _said(scene: Scene) -> list[tuple[int, Urgency]]:
    found: list[tuple[int, Urgency]] = []
    for hit in _PHRASES.find(scene.words):
        if hit.value is _NOW and _negated(scene.words, hit):
            found.append((hit.end, _OPEN))
        elif _fits(scene, hit) and not _is_of_a_move(scene, hit):
            found.append((hit.end, hit.value))
    return found


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


def _is_of_a_move(scene: Scene, hit: Hit[Urgency]) -> bool:
    """Return whether the time is that of another plan: "vou me mudar pra Joinville mês que vem"."""
    if scene.asks('urgency'):
        return False
    words = scene.words
    before = words[max(0, hit.start - 6) : hit.start]
    plans = _PLANS.find(before)
    if plans and not _BUYS.within(before[plans[-1].end :]):
        return True
    end = hit.end
    while end < len(words) and end - hit.end < 10 and words[end].text not in SENTENCE_ENDS | {','}:
        end += 1
    return _PLANS.within(words[hit.end : end]) is not None and not _BUYS.within(words[hit.end : end])


_PLANS = Lexicon(
    {
        True: 'mudar | mudo | mudando | mudamos | mudanca | casar | me/eu/nos caso/casamos | casamento | viajar | viajo | viajamos | formar | '
        'formo | formatura | aposentar | aposento | morar | pego/tiro/saio/entro de? ferias'
    }
)
_BUYS = Lexicon(
    {
        True: 'preciso | precisamos | precisando | quero | queremos | queria | comprar | compro | trocar | pegar | fechar | carro'
    }
)


def _until_year_end(today: date) -> Urgency:
    return _by_days((date(today.year, 12, 15) - today).days)


def _negated(words: Words, hit: Hit[Urgency]) -> bool:
    before = [word.text for word in words[max(0, hit.start - 3) : hit.start] if word.text not in SENTENCE_ENDS]
    return any(word in _NEGATION for word in before) and words[hit.start - 1].text not in (',', *SENTENCE_ENDS)


def _durations(scene: Scene) -> list[tuple[int, Urgency]]:
    words = scene.words
    found: list[tuple[int, Urgency]] = []
    for i, word in enumerate(words):
        unit = _DAYS.get(words[i + 1].text) if i + 1 < len(words) else None
        amount = word.number if word.number is not None else 1.0 if word.text in ('um', 'uma') else None
        if word.text == 'alguns' and unit:
            amount = 2.0
        if unit is None or amount is None or not _is_ahead(scene, i):
            continue
        half = 0.5 if [w.text for w in words[i + 2 : i + 4]] == ['e', 'meio'] else 0
        if amount * unit <= 365 * 5:
            found.append((i + 2, _by_days(round((amount + half) * unit))))
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
    if days <= 92:
        return _SOON
    return _LATER if days <= 184 else _OPEN


def _days_of_month(scene: Scene) -> list[tuple[int, Urgency]]:
    """Read "preciso pro dia 20": the next day of that number is at most a month away."""
    return [
        (i + 2, _NOW)
        for i in scene.words.places.get('dia', ())
        if scene.asks('urgency')
        and i + 1 < len(scene.words)
        and scene.words[i + 1].number in range(1, 32)
        and (i + 3 >= len(scene.words) or scene.words[i + 2].text != 'de')
    ]


def _dates(scene: Scene) -> list[tuple[int, Urgency]]:
    words = scene.words
    found: list[tuple[int, Urgency]] = []
    for i, word in enumerate(words):
        month = _MONTHS.get(word.text)
        before = words[i - 1].text if i else ''
        if month is None or (len(word.text) == 3 and not scene.asks('urgency')) or word.text == 'may':
            continue
        if [w.text for w in words[max(0, i - 2) : i]] == ['rio', 'de']:
            continue
        linked = before in (
            'em',
            'ate',
            'para',
            'de',
            'mes',
            'in',
            'por',
            'la',
            'so',
            'inicio',
            'final',
            'fim',
            'until',
            'by',
            'en',
            'e',
            'ou',
            'a',
            'comeco',
            'meados',
            'no',
            'prazo',
            'previsao',
            ':',
        )
        past = any(
            w.text
            in (
                'desde',
                'nasci',
                'ano',
                'aniversario',
                'passado',
                'comprei',
                'tirei',
                'mudo',
                'mudar',
                'mudamos',
                'caso',
                'morava',
                'trabalhava',
                'morei',
                'trabalhei',
                'vivia',
                'estava',
                'estive',
                'fiquei',
                'era',
                'tinha',
                'tive',
                'fui',
                'vendi',
                'aposentei',
            )
            for w in words[max(0, i - 4) : i + 3]
        )
        if (linked and not past) or (scene.asks('urgency') and not past):
            after = 'depois' in {w.text for w in words[max(0, i - 3) : i]}
            day = _day_before(words, i)
            found.append(
                (i + 1, _by_date(scene.today, month, day) if day else _by_month(scene.today, month, after=after))
            )
    return found


def _day_before(words: Words, at: int) -> int | None:
    """Return the day of "dia 20 de abril", said before the month at a place."""
    if at < 2 or words[at - 1].text != 'de':
        return None
    if words[at - 2].text == 'primeiro':
        return 1
    number = words[at - 2].number
    return int(number) if number is not None and number in range(1, 29) else None


def _by_date(today: date, month: int, day: int) -> Urgency:
    then = date(today.year + ((month, day) < (today.month, today.day)), month, day)
    return _by_days((then - today).days)


def _by_month(today: date, month: int, *, after: bool) -> Urgency:
    ahead = (month - today.month) % 12 + after
    if ahead == 0:
        return _NOW
    if ahead <= 3:
        return _SOON
    return _LATER if ahead <= 6 else _OPEN
