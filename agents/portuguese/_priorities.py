"""The attributes that matter to the buyer."""

from __future__ import annotations

from agent_memory.agents.portuguese._changes import added, dropped, replaced
from agent_memory.agents.portuguese._data import read_phrases, word_set
from agent_memory.agents.portuguese._lexicon import Hit, Lexicon
from agent_memory.agents.portuguese._people import KIN
from agent_memory.agents.portuguese._scene import Scene
from agent_memory.agents.portuguese._text import SENTENCE_ENDS, Words, sentence_around
from agent_memory.lead import Priority
from agent_memory.profile import Change

_PRIORITIES: Lexicon[Priority] = Lexicon(
    {Priority(attribute): phrases for attribute, phrases in read_phrases('priorities.txt').items()}
)
_DEFECTS: Lexicon[Priority] = Lexicon(
    {
        Priority.ECONOMY: 'gastao/gastona/gastador/gastadeira/gastadeiro/beberrao/beberrona/bebedor/bebum',
        Priority.RELIABILITY: 'bomba | bichado/bichada | problematico/problematica | quebrador/quebradeira | sucata | lata velha',
        Priority.AUTOMATIC: 'cambio? manual',
        Priority.SPACE: 'apertado/apertada | pequeno/pequena por dentro',
        Priority.COMFORT: 'desconfortavel | duro/dura demais',
        Priority.SAFETY: 'inseguro/insegura',
        Priority.PERFORMANCE: 'lento/lenta | manco/manca | fraco/fraca | molenga',
        Priority.DESIGN: 'feio/feia',
        Priority.NEWER_YEAR: 'velho/velha/antigo/antiga',
    }
)
"""What a car may be and must not: to refuse one is to ask for its opposite."""
_REFUSED = Lexicon(
    {
        True: 'nao .. quero/queria/seja/compro/gosto/pode/tenha | nada de | chega de | odeio | detesto | sem ser | menos | cansei/cansado/cansada de'
    }
)
_REFUSED_AFTER = Lexicon(
    {True: 'nao quero/da/serve/compro/rola | nao ⏎/./,/! | nem pensar | jamais | dispenso | estou fora'}
)
_NEGATED = Lexicon(
    {
        True: 'nao ligo | nao me? importo | nao me? importa | nao precisa | nao preciso | nao faco questao | nao e '
        'importante | nao quero | sem | dispenso | esquec* | tira* | tirar | remov* | retir* | nao gosto | nem | '
        'tanto faz | deixa | desconsider* | '
        'nao exijo | nao e prioridade | risca* | abro mao | nao curto | dont need | don t need | no need | nao '
        'necessariamente | abrir mao | odeio | detesto | nao me? interessa | mais que | menos | cancela | pode ser '
        'sem | pouco importa'
    }
)
_INSISTED = Lexicon(
    {
        True: 'sem/nao abrir/abro/abra/abrimos mao | nao pode/podem faltar | nao vivo/fico/da/ando .. sem | sem esquecer | nao '
        'dispenso | nao quero ficar sem | so nao abro mao'
    }
)
_NEGATED_AFTER = Lexicon(
    {
        True: '? nem/nao ligo/importa/precisa/tanto/muito/quero/e/faco | nao me? interessa/importam/pesa | nem tanto | nao tanto | nao muito | nem muito | menos importante | fica/ficam para depois | vem depois | nao pesa | pesa menos | e bobagem | e frescura | e luxo | nao e importante | nao importa | nao precisa | tanto faz | nao ligo | nao faco questao | nao e '
        'prioridade | pouco importa | e o de menos | nao e essencial | pode tirar | nao me importo | nao faz falta | '
        'nao faz diferenca | nao conta | '
        'esquece | nao quero | nao , | nao mesmo | nem precisa | nem ligo | dispenso | nao e tao | nao .. necessario '
        '| nao . | nao ⏎'
    }
)
_NOT_ALWAYS = {
    'ar': frozenset({'livre', 'puro'}),
    'forca': frozenset({'tarefa'}),
}
_REACH = 4
_CLAUSE = 15


def extract_priorities(scene: Scene) -> list[Change]:
    """Return the changes of `priorities`."""
    words = scene.words
    wanted: list[str] = []
    gone: list[str] = []
    wanted += [
        hit.value.value
        for hit in _DEFECTS.find(words)
        if _REFUSED.within(words[max(0, hit.start - 5) : hit.start])
        or _REFUSED_AFTER.within(words[hit.end : hit.end + 3])
    ]
    wanted += [Priority.NEWER_YEAR.value for _ in _SINCE.find(words) if scene.asks('priorities')]
    wanted += [Priority.LOW_MILEAGE.value for at in _driven(words) if _is_little(scene, at)]
    for hit in _hits(scene):
        (gone if _is_negated(words, hit) else wanted).append(hit.value.value)
    wanted = [priority for priority in wanted if priority not in gone]
    if scene.profile.priorities and (only := _NOTHING_ELSE.find(words)):
        wanted = [hit.value.value for hit in _hits(scene) if hit.end > only[-1].end]
        if wanted:
            return replaced('priorities', wanted)
    return [*dropped(scene.profile, 'priorities', gone), *added('priorities', wanted)]


_YEARS = '/'.join(str(year) for year in range(2005, 2031))
_SINCE = Lexicon(
    {
        True: f'de/do/ano? ano? {_YEARS} para/pra cima/frente | {_YEARS} em diante/para/pra cima/frente | {_YEARS} ou mais/acima/superior/posterior | acima/depois de/do ano? {_YEARS} | '
        f'a partir de/do ano? {_YEARS} | ano acima/minimo de? {_YEARS} | minimo {_YEARS} | {_YEARS} or newer/later/up | nem/nao .. anterior/antes/abaixo a/de/do {_YEARS}'
    }
)
"""The oldest year that will do: "de 2019 pra cima"."""


def _driven(words: Words) -> list[int]:
    return [at for text in ('km', 'quilometros', 'rodados', 'rodado', 'painel') for at in words.places.get(text, ())]


def _is_little(scene: Scene, at: int) -> bool:
    """Return whether a distance is a small limit for the car: "menos de 65 mil km", and not what one's own has run."""
    words = scene.words
    i = at - 1
    while i > 0 and words[i].text in _BEFORE_DISTANCE:
        i -= 1
    number = words[i].number if i > 0 else None
    before = words[max(0, i - _LIMIT_WITHIN) : max(0, i)]
    if number is None or number > _LITTLE_KM or _OWN_CAR.within(sentence_around(words, at)):
        return False
    return any(cue.end == len(before) and (cue.value or scene.asks('priorities')) for cue in _AT_MOST.find(before))


_BEFORE_DISTANCE = word_set('mil k km no de rodados')
_LITTLE_KM = 100_000
_LIMIT_WITHIN = 3
_AT_MOST = Lexicon({True: 'menos/abaixo de | inferior a', False: 'ate | no maximo/limite de? | maximo de?'})
"""A limit of distance; whether it says by itself that it matters."""
_OWN_CAR = Lexicon({True: 'meu/minha | tenho um/uma | ?'})


def _hits(scene: Scene) -> list[Hit[Priority]]:
    return [
        hit
        for hit in _PRIORITIES.find(scene.words)
        if _means_attribute(scene, hit)
        and not _asks_about_a_car(scene.words, hit.start)
        and not _is_of_others(scene.words, hit.start)
    ]


_NEARBY = 5
_NEVER_NEAR = {
    'de': word_set('alguem loja pessoa mecanico vendedor vendedora consultor falar'),
    'consumo': frozenset({'sonho'}),
    'esportivo': frozenset({'utilitario', 'cupe', 'coupe'}),
    **dict.fromkeys(('que', 'caiba', 'caibam', 'cabe'), word_set('bolso orcamento garagem vaga')),
    **dict.fromkeys(
        ('automatico', 'automatica'), word_set('sistema atendimento resposta respostas mensagem robo atendente')
    ),
    'conforto': frozenset({'bebe'}),  # a seat for children
    'rapido': word_set(
        'valor vende vender vendo desvaloriza perde perca quebra entrega resposta responder atendimento'
    ),
}
_SAFE = frozenset({',', 'e', 'bem', 'mais', 'muito', 'ser'})
_ONLY_AFTER = {
    **dict.fromkeys(
        ('ar', 'ac'),
        frozenset(
            {
                'com',
                'tem',
                'tenha',
                'e',
                ',',
                'ter',
                'de',
                'with',
                'colocar',
                'coloca',
                'botar',
                'bota',
                'incluir',
                'inclui',
                'quero',
                'queria',
                'preciso',
            }
        ),
    ),
    **dict.fromkeys(('seguro', 'segura', 'seguros'), _SAFE),
    **dict.fromkeys(('gasolina', 'combustivel'), frozenset({'menos', 'economize', 'economizar'})),
    'auto': frozenset({'cambio'}),
    'central': frozenset({'com', 'tenha', 'tem'}),
}
_ONLY_BEFORE = {
    **dict.fromkeys(('seguro', 'segura', 'seguros'), SENTENCE_ENDS | {',', 'e', 'economico'}),
    **dict.fromkeys(('estilo', 'visual'), SENTENCE_ENDS | {',', 'e', 'bonito'}),
}
_NEVER_AFTER = {
    **dict.fromkeys(
        ('malas', 'tela', 'forca', 'power', 'beleza', 'espaco', 'style', 'fast'),
        frozenset({'do', 'no', 'seu', 'as', 'minhas'}),
    ),
    'rapido': frozenset({'mais', 'bem', 'tao'}),
}
_NEVER_BEFORE = {'ar': frozenset({'livre', 'de'}), 'ac': frozenset({'livre', 'de'})}
_ASKED_OF_ANY_CAR = frozenset({'consumo', 'manutencao', 'revenda'})
_INSURANCE = frozenset({'seguro', 'seguros'})
_OF_INSURANCE = word_set('barato baratinho caro baixo alto acessivel em do da esta fica')


def _means_attribute(scene: Scene, hit: Hit[Priority]) -> bool:
    """Leave out everyday words that only sometimes name an attribute."""
    words = scene.words
    word = words[hit.start].text
    near = {word.text for word in words[max(0, hit.start - _NEARBY) : hit.end + _NEARBY]}
    if not _NEVER_NEAR.get(word, frozenset()).isdisjoint(near) or _is_price(scene, hit) or _is_complaint(words, hit):
        return False
    if hit.value is Priority.AUTOMATIC and {'manual', 'ou'} <= {
        word.text for word in words[max(0, hit.start - 3) : hit.end + 3]
    }:
        return False
    if word == 'beleza' and (words[hit.start].raw[:1] in 'bB' and not scene.asks('priorities')):
        return False
    before = words[hit.start - 1].text if hit.start else ''
    after = words[hit.end].text if hit.end < len(words) else ''
    if word in _INSURANCE and hit.end - hit.start == 1 and (after in _OF_INSURANCE or before == 'o'):
        return False
    if hit.end - hit.start > 1 or scene.asks('priorities'):
        return True
    if hit.value is Priority.DESIGN and _is_remark(words, hit.start):
        return False
    if before not in _ONLY_AFTER.get(word, {before}) or after not in _ONLY_BEFORE.get(word, {after}):
        return False
    if before in _NEVER_AFTER.get(word, ()) or after in _NEVER_BEFORE.get(word, ()):
        return False
    if word in _INSURANCE and sentence_around(words, hit.start)[-1].text == '?':
        return False
    return word not in _ASKED_OF_ANY_CAR or not _is_question(words, hit.start)


_COSTLY = Lexicon({True: 'e/sao/fica/ficam/esta muito/bem/mais/tao/super? cara/caro/caras/salgada/alta/absurda'})


def _is_complaint(words: Words, hit: Hit[Priority]) -> bool:
    """Return whether upkeep is only said to be dear: "gosto da Nissan, mas a manutenção é cara"."""
    upkeep = hit.value is Priority.LOW_MAINTENANCE and hit.end < len(words)
    return upkeep and _COSTLY.at(words, hit.end) is not None


def _is_price(scene: Scene, hit: Hit[Priority]) -> bool:
    """Return whether "gastar pouco" speaks of what to pay for the car, not for its fuel."""
    behind = scene.words[hit.end : hit.end + 3]
    priced = scene.asks('budget') or any(word.number is not None for word in behind)
    compared = [word.text for word in behind if word.text not in ('do', 'que')][:1]
    return scene.words[hit.start].text == 'gastar' and (priced or compared in (['ela'], ['ele'], ['eles'], ['isso']))


_IS_SEEN = Lexicon({True: 'vi | achei | olhei | passou | encontrei'})
_OF_THIS = word_set('esse essa este esta hein demais o a')


def _is_remark(words: Words, at: int) -> bool:
    """Return whether a look is remarked on and not asked for: "são bonitos, mas", "achei lindo"."""
    after = words[at + 1].text if at + 1 < len(words) else ''
    if after in _OF_THIS or _IS_SEEN.within(words[max(0, at - _NEARBY) : at]):
        return True
    before = at - 1
    while before >= 0 and words[before].text in _DEGREES:
        before -= 1
    return before >= 0 and (words[before].text in _REMARKS or words[before].raw.lower() in ('é', 'eh'))


_DEGREES = word_set('muito bem tao ate bastante mais super')
_REMARKS = word_set('sao era eram achei acho achamos ficou esta estao estava parece parecem')


def _is_question(words: Words, at: int) -> bool:
    sentence = sentence_around(words, at)
    opened = sentence[0].text in ('qual', 'quanto', 'como', 'o', 'a', 'e') or any(
        word.text in ('qual', 'quanto') for word in sentence
    )
    return opened and sentence[-1].text == '?'


_THEIRS = Lexicon({True: f'{KIN} .. tem/tinha/comprou/pegou/vendeu/anda/dirige/trocou/teve'})


def _is_of_others(words: Words, at: int) -> bool:
    """Return whether the clause tells of somebody else's car: "meu vizinho tem um Creta lindo"."""
    start = at
    while start and at - start < _CLAUSE and words[start - 1].text not in SENTENCE_ENDS | {',', 'mas', 'e'}:
        start -= 1
    return _THEIRS.within(words[start:at]) is not None


_A_CAR = Lexicon(
    {
        True: 'voces | a? loja | ele | ela | esse | essa | este | esta | o carro | quantos | quanto | qual | como e | tem/vem/possui/faz | e economico/automatico/flex/'
        'completo/confortavel/espacoso/seguro/potente/turbo'
    }
)


_SOME_CAR = Lexicon(
    {
        True: 'voces? nao? tem/teriam/vendem/trabalham com? ai? algum/alguma/alguns/algumas/um/uma/carro/carros/modelo/modelos/sedan/suv/hatch/picape/'
        'caminhonete/van/minivan/perua/cupe/automatico'
    }
)
"""Asks the shop for a car like this, which tells what is wanted."""


_PICTURES = Lexicon({True: 'foto/fotos/video/videos de/do/da/dos/das/mostrando | mostra/mostrar/filma/filmar o/a'})
_THIS_CAR = Lexicon({True: 'esse/essa/este/esta/ele/ela/dele/dela/desse/dessa ?/carro/modelo/ai/ja | esse/essa ?'})


def _asks_about_a_car(words: Words, at: int) -> bool:
    """Return whether the sentence asks what one car has: "ele é automático?"."""
    sentence = sentence_around(words, at)
    if _PICTURES.within(sentence):
        return True
    asked = _A_CAR.at(sentence, 0) is not None or _THIS_CAR.within(sentence[1:]) is not None
    return sentence[-1].text == '?' and asked and _SOME_CAR.at(sentence, 0) is None


def _is_negated(words: Words, hit: Hit[Priority]) -> bool:
    if words[hit.start].text in ('nao', 'nunca', 'sem'):
        return False
    low = hit.start
    while (
        low and hit.start - low < _REACH + 3 and words[low - 1].text not in SENTENCE_ENDS | {',', 'mas', 'quero', 'com'}
    ):
        low -= 1
    if _INSISTED.within(words[low : hit.start]):
        return False
    for cue in _NEGATED.find(words[low : hit.start]):
        if hit.start - (low + cue.end) <= _REACH - 1:
            return True
    after = hit.end
    while after < len(words) and words[after].text in ('eu', 'ja'):
        after += 1
    if after < len(words) and _NEGATED_AFTER.at(words, after) is not None:
        return True
    end = after
    while end < len(words) and end - after < _DROPPED_WITHIN and words[end].text not in SENTENCE_ENDS:
        end += 1
    return _DROPPED.within(words[after : end + 1]) is not None


_DROPPED = Lexicon(
    {
        True: 'agora/hoje/mas ja? tanto faz | agora/hoje nao precisa/quero/importa/ligo/faz | '
        'entao/ai/dai? pode/podem/podemos/vamos/vou/melhor tirar/riscar/remover/esquecer/dispensar/cortar/retirar ⏎/./,/!/isso/ele/esse'
    }
)
_DROPPED_WITHIN = 8
_NOTHING_ELSE = Lexicon(
    {True: 'fica/ficam/fique/deixa/deixe/deixar/mantem/mantenha/manter so/somente/apenas o/a/os/as? | agora so o/a'}
)
