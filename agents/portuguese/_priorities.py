"""The attributes that matter to the buyer."""

from __future__ import annotations

from collections.abc import Sequence

from agent_memory.agents.portuguese._changes import added, dropped, replaced
from agent_memory.agents.portuguese._data import word_set
from agent_memory.agents.portuguese._lexicon import Hit, Lexicon
from agent_memory.agents.portuguese._people import KIN
from agent_memory.agents.portuguese._scene import Scene
from agent_memory.agents.portuguese._text import SENTENCE_ENDS, Word, Words
from agent_memory.lead import Priority
from agent_memory.profile import Change

_PRIORITIES: Lexicon[Priority] = Lexicon(
    {
        Priority.ECONOMY: 'economico | economica | economicos | economia | economic* | economiz* | '
        'bom/boa/bons/otimo/otima de gasolina/consumo/combustivel/tanque | boa/otima/melhor media | nao beba/gaste ⏎/,/./!/e | rode/rodar/roda/ande/anda/andar .. com pouco/pouca gasolina/combustivel/alcool/etanol/⏎/./, | '
        'gaste/gasta/gastam/gastao/gastem/gastar/beber/bebam/bebem/bebe/beba/consom*/consum* pouco/menos/pouca/pouquinho | gastar/gasto/gaste pouco/menos .. combustivel/gasolina/alcool/etanol | pouco consumo | consumo | baixo '
        'consumo | beberrao | '
        'bebedor '
        '| poupe/poupa combustivel | km por/com litro | faca/faz/fazer/fazendo bastante/muitos/uns .. km/litro | por litro | km / l | fuel efficien* | good '
        'mileage | gas mileage | fuel economy | mpg | rende bem/bastante/muito | gasolina | combustivel | beba pouca '
        '| nao beba/bebe/beber/bebam/bebem/gaste/gasta/gastar/gastem/gastam/consum*/consom* muito/demais/tanto | pao duro',
        Priority.LOW_MAINTENANCE: 'gastar/gaste/gasto/gastando pouco/menos com/em/na/de oficina/mecanico/conserto/peca/pecas/revisao | nao .. gastar/gaste/gastando com/em/na/de oficina/mecanico/conserto/peca/pecas | manutencao barata/baixa/facil/simples/acessivel/tranquila/em | manutencao | '
        'barato/barata/baratos/baratas/baratinho/baratinha/facil/faceis/simples/tranquilo/tranquila de manter/arrumar/consertar/cuidar/mexer/achar/encontrar | '
        'nao .. caro/cara/caros/caras de/para manter/arrumar/consertar | nao .. de/da/dar/tenha/ter/traga despesa/despesas/gasto/gastos | conserto/consertos barato/baratos | mecanico .. barato | mecanica/peca/pecas .. '
        'barata/baratas/simples/facil/faceis/acessivel/acessiveis | custo de manutencao '
        '| baixo custo .. manter/manutencao | cheap to maintain | low maintenance | barato .. manutencao | oficina '
        'barata | revisao barata | revisoes baratas | peca barata | seguro e manutencao',
        Priority.RELIABILITY: 'confiavel | confiaveis | confiabilidade | duravel | durabilidade | resistente | '
        'robusto | robustez | nao .. quebr* | nunca quebr* | nao .. de/da/tenha/tem/dar problema/problemas | sem '
        'problema mecanico | nao .. deix* .. na mao/rua/estrada/pista | nao .. deix* na mao | nao .. na mao | nao .. oficina | '
        'nao .. dor de cabeca | sem dor de cabeca | aguente/aguenta o? tranco | reliable | reliability | dependable '
        '| inquebravel | bom de guerra | guerreiro | pouco problema | mecanica boa/confiavel | boa mecanica | '
        'procedencia | de confianca',
        Priority.SAFETY: 'seguranca | airbag | airbags | air bag | isofix | freio abs | abs | latin ncap | safe | '
        'safety | bem seguro | mais seguro | muito seguro | carro seguro | seja seguro | algo seguro | que seja '
        'seguro | seguro para | seguro | segura | seguros | seguranca* | '
        'controle de estabilidade | 5 estrelas | cinco estrelas | seguridad | blindado',
        Priority.COMFORT: 'conforto | confortavel | confortaveis | macio | comodidade | comfort* | banco/bancos de '
        'couro | suspensao macia | aconchegante | gostoso de dirigir | silencioso | comodo',
        Priority.SPACE: 'caiba/cabe/caber/caibam .. tropa/galera/turma/povo/pessoal/criancada/molecada/prancha/bike/bicicleta | espaco | espacoso | espacosa | porta malas/mala | portamalas | bagageiro | amplo | 7/sete '
        'lugares | caiba .. todo/todos/familia/gente/mala*/cadeir* | cabe/caber .. '
        'todo/todos/familia/gente/mala*/cadeir* | grande por dentro | '
        'bastante lugar | spacious | space | trunk | roomy | mala grande | malas | espacio | espacioso | baul | '
        'interno grande | bem grande | que caiba | cabe/cabem/caiba/caibam/caber 4/5/6/7 | 6/7 pessoas | sete passageiros',
        Priority.PERFORMANCE: 'desempenho | performance | potencia | potente | potentes | motor forte/bom/potente | '
        'motorzao | ande/anda/andar/andam/andem/correr/corra/corre bem/muito/forte/firme | turbo | velocidade | veloz | torque | arrancada | acelerar | pisar fundo | gosto/gosta de correr/velocidade | '
        'arranque | rapido | forte de motor | carro forte | '
        'bem forte | forca | cavalaria | powerful | power | fast | esportivo | esportividade | puxa bem | bom de '
        'subida | responda bem | motor turbo',
        Priority.TECHNOLOGY: 'tecnologia | tecnologico | tecnologicos | multimidia | multimedia | central | carplay '
        '| car play | android auto | conectividade | conectado | camera de re | sensor de re/estacionamento | painel '
        'digital | bluetooth | moderno | '
        'tech | technology | gadgets | tela | piloto automatico | assistente* de? | chave presencial | moderno | '
        'tecnologia* | kit multimidia | eletronica',
        Priority.RESALE_VALUE: 'revenda | revender | nao .. desvaloriz* | pouca/baixa/menos/menor desvaloriz* | nao '
        '.. perca/perde valor | segur* .. preco/valor | facil de vender | boa saida | facil de passar | resale | '
        'resell | liquidez | valoriz* | desvaloriz* pouco | mercado bom | vender depois | bom de vender | vende '
        'facil | valor de mercado',
        Priority.LOW_MILEAGE: 'pouco/pouca rodado/rodada/km/quilometragem/uso | pouco rodados | '
        'baixa/baixo/menor/menos km/quilometragem/rodagem | km/quilometragem baixa/baixo | low mileage/km/kms | '
        'poucos km/quilometros | rodou pouco | semi novo pouco | '
        'menos de 1/2/3/4/5/6/7/8/9/10/15/20/25/30/35/40/45/50/60/70/80/90/100 mil km | pouco quilometro | rodado '
        'pouco | que nao seja rodado | nao/sem .. muito rodado | nao .. rodado demais | pouquissimo rodado',
        Priority.AUTOMATIC: 'automatico | automatica | automaticos | automatizado | automatic* | cambio auto/aut/cvt '
        '| cvt | transmissao automatica | sem embreagem | sem pedal de? embreagem | cansado/cansada/cansei/chega de embreagem/marcha/cambio | sem marcha | auto transmission | hidramatico | nao .. '
        'embreagem | nao .. passar/trocar marcha',
        Priority.DESIGN: 'para chamar a? atencao | que/q chame/chama/chamem a? atencao | invocado/invocada | lindao/lindona | design | visual/design/estilo/cara/aparencia/jeito esportivo/esportiva/agressivo/agressiva/moderno/moderna | bonito | bonita | bonitao | lindo | linda | estilo | estiloso | visual | '
        'aparencia | beleza do | beleza e | e a? beleza | arrojado | charmoso | chamativo | elegante | good looking | beautiful | nice '
        'looking | style | stylish | esportivo bonito | cara de novo | estetica | bonitinho | bonitos',
        Priority.NEWER_YEAR: 'ate/maximo/com/uns/de/menos 1/2/3/4/5/um/dois anos/ano de? uso | menos de 1/2/3/4/5 anos/ano de? uso | ano recente | mais recente | mais novo/nova possivel | mais novo | mais nova | mais '
        'novinho | bem novo/novinho | novinho em folha | seminovo recente | ano/anos mais recente/recentes/novo/novos | novo possivel | newer | '
        'recent year | modelo novo/recente | '
        'o mais atual | anos recentes | ano novo | recem lancado | poucos anos de uso | pouco tempo de uso | modelo '
        'mais atual | newest | mais moderno possivel',
        Priority.AIR_CONDITIONING: 'so/somente/apenas o ar | ar condicionado | ar cond | ar condic* | ar | arcondicionado | ar gelando/gelado | com ar | ac | air '
        'conditioning | air con | aircon | a c | climatizador | ar digital | aire acondicionado | aire',
    }
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
        True: 'nem tanto | nao tanto | nao muito | nem muito | menos importante | fica/ficam para depois | vem depois | nao pesa | pesa menos | e bobagem | e frescura | e luxo | nao e importante | nao importa | nao precisa | tanto faz | nao ligo | nao faco questao | nao e '
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
_SENTENCE = 15


def extract_priorities(scene: Scene) -> list[Change]:
    """Return the changes of `priorities`."""
    words = scene.words
    wanted: list[str] = []
    gone: list[str] = []
    wanted += [
        hit.value.value for hit in _DEFECTS.find(words) if _REFUSED.within(words[max(0, hit.start - 5) : hit.start])
    ]
    for hit in _hits(scene):
        (gone if _is_negated(words, hit) else wanted).append(hit.value.value)
    wanted = [priority for priority in wanted if priority not in gone]
    if scene.profile.priorities and (only := _NOTHING_ELSE.find(words)):
        wanted = [hit.value.value for hit in _hits(scene) if hit.end > only[-1].end]
        if wanted:
            return replaced('priorities', wanted)
    return [*dropped(scene.profile, 'priorities', gone), *added('priorities', wanted)]


def _hits(scene: Scene) -> list[Hit[Priority]]:
    return [
        hit
        for hit in _PRIORITIES.find(scene.words)
        if _means_attribute(scene, hit)
        and not _asks_about_a_car(scene.words, hit.start)
        and not _is_of_others(scene.words, hit.start)
    ]


_NEVER_NEAR = {
    'consumo': frozenset({'sonho'}),
    'esportivo': frozenset({'utilitario'}),
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
    near = {word.text for word in words[max(0, hit.start - 3) : hit.end + 3]}
    if not _NEVER_NEAR.get(word, frozenset()).isdisjoint(near) or _is_price(scene, hit) or _is_complaint(words, hit):
        return False
    if hit.value is Priority.AUTOMATIC and {'manual', 'ou'} <= near:
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
    if word in _INSURANCE and _sentence(words, hit.start)[-1].text == '?':
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


def _is_remark(words: Words, at: int) -> bool:
    """Return whether a look is remarked on and not asked for: "são bonitos, mas", "achei lindo"."""
    before = at - 1
    while before >= 0 and words[before].text in _DEGREES:
        before -= 1
    return before >= 0 and (words[before].text in _REMARKS or words[before].raw.lower() in ('é', 'eh'))


_DEGREES = word_set('muito bem tao ate bastante mais super')
_REMARKS = word_set('sao era eram achei acho achamos ficou esta estao estava parece parecem')


def _is_question(words: Words, at: int) -> bool:
    sentence = _sentence(words, at)
    opened = sentence[0].text in ('qual', 'quanto', 'como', 'o', 'a', 'e') or any(
        word.text in ('qual', 'quanto') for word in sentence
    )
    return opened and sentence[-1].text == '?'


_THEIRS = Lexicon({True: f'{KIN} .. tem/tinha/comprou/pegou/vendeu/anda/dirige/trocou/teve'})


def _is_of_others(words: Words, at: int) -> bool:
    """Return whether the clause tells of somebody else's car: "meu vizinho tem um Creta lindo"."""
    start = at
    while start and at - start < _SENTENCE and words[start - 1].text not in SENTENCE_ENDS | {',', 'mas', 'e'}:
        start -= 1
    return _THEIRS.within(words[start:at]) is not None


_A_CAR = Lexicon(
    {True: 'voces | a? loja | ele | ela | esse | essa | este | esta | o carro | quantos | quanto | qual | como e'}
)


def _asks_about_a_car(words: Words, at: int) -> bool:
    """Return whether the sentence asks what one car has: "ele é automático?"."""
    sentence = _sentence(words, at)
    return sentence[-1].text == '?' and _A_CAR.at(sentence, 0) is not None


def _sentence(words: Words, at: int) -> Sequence[Word]:
    """Return the words around a place up to the ends of its sentence, the sign that closes it included."""
    start = at
    while start and at - start < _SENTENCE and words[start - 1].text not in SENTENCE_ENDS:
        start -= 1
    end = at
    while end < len(words) and end - at < _SENTENCE and words[end].text not in SENTENCE_ENDS:
        end += 1
    return words[start : end + 1]


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
        True: 'entao/ai/dai? pode/podem/podemos/vamos/vou/melhor tirar/riscar/remover/esquecer/dispensar/cortar/retirar ⏎/./,/!/isso/ele/esse'
    }
)
_DROPPED_WITHIN = 8
_NOTHING_ELSE = Lexicon(
    {True: 'fica/ficam/fique/deixa/deixe/deixar/mantem/mantenha/manter so/somente/apenas o/a/os/as? | agora so o/a'}
)
