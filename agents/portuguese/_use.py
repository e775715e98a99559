"""What the car is mostly for."""

from __future__ import annotations

from agent_memory.agents.portuguese._changes import stated
from agent_memory.agents.portuguese._data import read_data, read_phrases, word_set
from agent_memory.agents.portuguese._lexicon import Hit, Lexicon
from agent_memory.agents.portuguese._place import of_places
from agent_memory.agents.portuguese._scene import Scene
from agent_memory.agents.portuguese._text import SENTENCE_ENDS, Words, sentence_around
from agent_memory.lead import MainUse
from agent_memory.profile import Change

_GOODS = '/'.join(read_data('goods.txt').split())
"""What is carried or sold, as one word of a phrase."""
_USES: Lexicon[MainUse] = Lexicon(
    {MainUse(use): phrases.replace('{goods}', _GOODS) for use, phrases in read_phrases('uses.txt').items()}
)
_ANSWERS: Lexicon[MainUse] = Lexicon(
    {
        MainUse.DAILY_COMMUTE: 'cidade | urbana | bairro | bairros | vizinhanca | perto de casa | pertinho | por perto | veterinario | banco',
        MainUse.TRAVEL: 'visitar | visito | visitando | rever | dutra | imigrantes | anchieta | anhanguera | bandeirantes | castelo branco | regis | fernao dias | rio santos | '
        'outra/outras/outros cidade/cidades/estado/estados | entre cidades | interior | horas de viagem/estrada/carro | mundo',
        MainUse.FAMILY: 'levar/buscar/levo/busco/carregar .. mae/pai/vo/avo/sogra/sogro/esposa/pais/sogros/avos/idoso/idosa/idosos',
        MainUse.LEISURE: 'acampar | acampamento | camping | acampo | cachoeira | cachoeiras | litoral | feriado | serra | amigos | amigas | clube | parque | sair com/para/a/de |  namorada | namorado',
        MainUse.BUSINESS: 'cliente | clientes | vendas',
        MainUse.CARGO_WORK: 'encanador | pintor | jardineiro | vidraceiro | gesseiro | azulejista | instalador | montador | dedetizador | serralheiro | calheiro | soldador | '
        'refrigerista | piscineiro | padeiro | confeiteira | confeiteiro | doceira | boleira | salgadeira | marmiteira | marmiteiro | florista | '
        'tecnico de/em refrigeracao/internet/informatica/som/eletrica/elevador/elevadores/campo | entrego | entregamos | puxo | puxar | transporte',
    }
)
"""What names a use only in answer to the question for it."""
_PURPOSE = Lexicon(
    {
        True: 'para | faco | fazemos | fazendo | trabalho com/de/na/no | vivo de | pra | usar | uso | usaria | utilizar | rodar | ir | levar | carregar | fazer | preciso | serve '
        '| for | e | quero | vou | principal* | mais | trabalhar | viajar | viajo | '
        'pegar | buscar | finalidade | sou | somos | temos | tenho | minha | meus | meu | com | moro | passear | vai '
        '| casa | need | buscando | curtir | have | we | with | encarar | no | na | nos'
    }
)
_NOT_USE = Lexicon(
    {
        True: 'visito/visita/visitamos/vejo .. aos/no/nos/ao/todo/todos | cansei/cansado/cansada/chega/enjoei/farto/farta de | ando de | andar de | andando de | '
        'pegar/pego/pegando/chamar/chamo/pedir/peco/andar/ando uber/99/taxi/app/aplicativo/de | pau para | carro para todo/toda | esquec*/desisti/desisto/desistir/chega de/do/da/o/a? | '
        'sem filho/filhos/filha/crianca/criancas/familia | nao tenho/temos | sem trabalho/emprego/servico/trampo | barato/barata/caro/cara/melhor/pior/mais do? que/q o/a? | ja? foi/era .. de/do/da/usado? | conversar/falar/decidir/resolver/consultar/combinar/pensar/discutir/ver/olhar com a/o/minha/meu/os/as? | '
        'entr*/fech*/faz*/faco/sai/sair/bom/boa/otimo/melhor/rola/dar/da/dando .. negocio | '
        'desde .. crianca/menino/menina/pequeno/pequena/guri/guria/bebe/moleque/moleca | quando eu? era/fui .. crianca/menino/menina/pequeno/pequena | moved/relocated/transferred .. for | me mudei/mudando/mudar .. a/pelo/por/para | nos mudamos .. a/pelo/por | transferido/transferida .. a/pelo/por/para | vim/viemos .. a/pelo/por | causa do/de | '
        'visitar/ver/rever a/o/os/as/minha/meu/meus/minhas? familia/filho/filha/filhos/filhas/neto/netos/familiares | gasto/gastando/gastei/gastar .. com/de/em | depender/dependo/dependendo de | '
        'voltar/voltei/fui/vim/vou/volto de | larguei | parei | sai do/da/de | nao .. '
        'para/pra/e/vou/quero/pretendo/uso/trabalho '
        '| nada de | sem ser para | deixei | nunca .. para | trabalhava | fui | baixei o? | pelo | '
        'baixar | antes .. era | ex | nao mais | em vez de | no/do km .. da/na/do | moro/mora/fico .. da/na/no'
    }
)
_OF_FIRM = Lexicon(
    {
        True: 'renovar | ampliar | aumentar | montar | trocar | precisamos | carro/carros/veiculo/veiculos/utilitario/utilitarios da/do/pela/pelo | em nome da | pelo | pela'
    }
)
_GOOD_AT = Lexicon({True: 'bom/boa/firme/estavel/seguro de/na/em'})
_LIES_IN = Lexicon({True: 'e/fica/ficam/fico em/na/no/numa/num'})
"""Tells where a home is: "mas é na zona rural"."""
# The trip of "viajar com os filhos" is the family's.
_BY_STRENGTH: tuple[MainUse, ...] = (MainUse.APP_DRIVER, MainUse.CARGO_WORK, MainUse.BUSINESS, MainUse.OFFROAD_RURAL)
_WORK_WORDS = frozenset(
    {
        'trabalhar',
        'trabalho',
        'trampo',
        'trampar',
        'servico',
        'emprego',
        'work',
        'trabajo',
        'trabajar',
        'todo',
        'todos',
        'diario',
        'diariamente',
        'na',
        'rodar',
        'andar',
    }
)
_PLACE_OF_WORK = Lexicon(
    {
        True: 'trabalho/trabalhei/trabalha em/na/no/com/como/de | estudo/estuda em/na/no | vaga/vagas de? | procuro/procurando/arrumar/arranjar um? emprego | to/estou no/na | saindo '
        'do/da | chego do | emprego novo | servico publico | carro de trabalho'
    }
)
# The car may be for one's daughter and still go to college every day.
_BENEFICIARY = Lexicon({True: 'para o/a? meu/minha/nosso/nossa filho/filha | meu/minha filho/filha | my son/daughter'})
_NOT_COUNTRYSIDE = frozenset(
    {
        'mato grosso',
        *(
            f'campo {name}'
            for name in ['grande', 'limpo', 'largo', 'mourao', 'bom', 'verde', 'alegre', 'novo', 'magro', 'belo']
        ),
    }
)
_NEAR = 4


def extract_use(scene: Scene) -> list[Change]:
    """Return the change of `main_use`."""
    hits = [hit for hit in _USES.find(scene.words) if _is_purpose(scene, hit)]
    if not hits and scene.asks('use'):
        hits = [hit for hit in _ANSWERS.find(scene.words) if _is_purpose(scene, hit)]
    if hits:
        named = of_places(scene)
        hits = [hit for hit in hits if hit.start not in named and not _is_amount(scene, hit)]
    places = scene.corrections
    if places and (later := [hit for hit in hits if hit.start > places[-1]]):
        hits = later
    if not hits:
        return []
    return [stated(scene.profile, 'main_use', _main(scene.words, hits).value)]


def _is_amount(scene: Scene, hit: Hit[MainUse]) -> bool:
    """Return whether the "99" of the app is a number here: "99 mil"."""
    if scene.words[hit.start].number is None:
        return False
    after = scene.words[hit.end].text if hit.end < len(scene.words) else ''
    return after in ('mil', 'k', 'reais') or scene.asks('budget')


def _main(words: Words, hits: list[Hit[MainUse]]) -> MainUse:
    if emphasised := _emphasised(words, hits):
        return emphasised
    named = [hit.value for hit in hits]
    if named[0] is MainUse.CARGO_WORK and MainUse.OFFROAD_RURAL in named and words[hits[0].end - 1].text in _FARMED:
        return MainUse.OFFROAD_RURAL
    if named[0] in (MainUse.DAILY_COMMUTE, MainUse.TRAVEL) and words[hits[0].start].text in _WORK_WORDS | {
        'estrada',
        'estradas',
        'rodovia',
    }:
        for use in _BY_STRENGTH:
            if use in named:
                return use
    if (
        named[0] in (MainUse.TRAVEL, MainUse.LEISURE)
        and MainUse.FAMILY in named
        and _joined(words, hits[0], hits[named.index(MainUse.FAMILY)])
    ):
        return MainUse.FAMILY
    return named[0]


_FARMED = word_set('racao milho leite soja saca sacas lenha cafe ovos queijo')
"""What is carried on a farm."""
_RATHER = Lexicon({True: 'do que | mais que | que para | than'})
_MOSTLY = Lexicon(
    {
        True: 'principal* | mais para | mais pra | sobretudo | mainly | mostly | maior parte | mais e | na maioria | '
        'basicamente'
    }
)


def _emphasised(words: Words, hits: list[Hit[MainUse]]) -> MainUse | None:
    if len(hits) > 1 and _RATHER.within(words[hits[0].end : hits[1].start]):
        return hits[0].value
    for mark in _MOSTLY.find(words):
        after = [hit for hit in hits if hit.start >= mark.start and hit.start - mark.end <= _NEAR]
        if after:
            return after[0].value
    return None


def _joined(words: Words, first: Hit[MainUse], second: Hit[MainUse]) -> bool:
    between = [word.text for word in words[first.end : second.start]]
    return (
        len(between) <= 5
        and bool({'com', 'a', 'with', 'da', 'dos', 'em', 'minha', 'os'} & set(between))
        and 'ou' not in between
    )


def _is_purpose(scene: Scene, hit: Hit[MainUse]) -> bool:
    words = scene.words
    before = _before(words, hit.start)
    if _BENEFICIARY.within(words[max(0, hit.start - 3) : hit.end]) or _is_denied(words, hit, len(before)):
        return False
    if scene.asks('use'):
        return True
    if _is_passing(scene, hit):
        return False
    if hit.value is MainUse.OFFROAD_RURAL and any(cue.end == len(before) for cue in _LIES_IN.find(before)):
        return False
    if hit.value is MainUse.LEISURE and scene.asks('urgency'):
        return False  # "nesse fim de semana" says when
    if hit.value is MainUse.DAILY_COMMUTE and words[hit.start].text in _ALSO_PLACES:
        if _PLACE_OF_WORK.within(words[max(0, hit.start - 2) : hit.end + 1]):
            return False
        return any(word.text in _GOING for word in before)
    if hit.value is MainUse.BUSINESS and _OF_FIRM.within(before):
        return True
    if hit.value in (MainUse.BUSINESS, MainUse.FAMILY, MainUse.LEISURE, MainUse.TRAVEL, MainUse.CARGO_WORK):
        itself = words[hit.start].text
        counted = any(word.number is not None for word in before[-1:])
        opens = all(word.text in _ARTICLES for word in before)
        return _PURPOSE.within(before) is not None or opens or counted or itself.startswith(_TELLING)
    return True


def _is_passing(scene: Scene, hit: Hit[MainUse]) -> bool:
    """Return whether the words tell of the shop, of one car, or of these days, and not of what the car is for."""
    words = scene.words
    sentence = sentence_around(words, hit.start)
    meant = any(word.text in _MEANT for word in words[max(0, hit.start - 3) : hit.start])
    if scene.bare and scene.asks('urgency', 'priorities', 'budget') and (not meant or _GOOD_FOR.within(sentence)):
        return not any(word.text.startswith(_TOLD_USE) for word in sentence)
    if hit.value is MainUse.LEISURE and _PASSENGER_CAR.within(words[max(0, hit.start - 2) : hit.end]):
        return True
    if sentence[-1].text == '?' and not meant and (_OF_A_CAR.at(sentence, 0) or _HOW_MUCH.within(sentence)):
        return True
    if hit.value is MainUse.LEISURE and words[hit.start].text in _DAYS_OFF:
        return _ERRAND.within(sentence) is not None
    if hit.value in (MainUse.TRAVEL, MainUse.LEISURE):
        return _THESE_DAYS.within(sentence) is not None
    if hit.value is MainUse.FAMILY:
        return _DECIDING.within(words[hit.end : hit.end + 3]) is not None
    return False


_GOOD_FOR = Lexicon(
    {True: 'seguro/segura/seguranca/espaco/espacoso/lugar/conforto/confortavel/bom/boa/cabe/caiba .. para'}
)
_TOLD_USE = (
    'tenho',
    'temos',
    'ando',
    'somos',
    'uso',
    'usar',
    'rodo',
    'rodar',
    'trabalh',
    'entreg',
    'levo',
    'levar',
    'viaj',
    'dirij',
)
_MEANT = word_set('para uso usar')
_PASSENGER_CAR = Lexicon({True: 'carro/carros/veiculo/modelo de passeio'})
_HOW_MUCH = Lexicon({True: 'quanto | posso | podemos'})
_OF_A_CAR = Lexicon(
    {
        True: 'e? a? voces | e? o/a? loja | e? ele/ela/esse/essa/este/esta/aquele/aquela | o carro/veiculo | ja foi/era | foi/era/veio'
    }
)
_DAYS_OFF = word_set('fim fins final finais fds domingo domingos weekend')
_ERRAND = Lexicon(
    {
        True: 'ver | vejo | passo | passar o/esse/este/no/fim/final/ai/na/la | vou ai/la/na/ate/a/te/lhe/pensar/decidir/olhar/responder | ir ai/la/na/ver | visitar | falar | ligar | ligo | conversar | resolver | decidir | '
        'responder | respondo | pensar | pensando | chamar | chamo | abre | abrem | abrir | funciona | funcionam | atende* | loja | test | combinar | marcar | '
        'agendar | horario | aberto | aberta | buscar | retirar | fechar | comprar | levar o carro | mando | retorno'
    }
)
_THESE_DAYS = Lexicon(
    {
        True: 'hoje | amanha | ontem | semana que vem | semana passada | mes que vem | mes passado | volto | voltar de | voltei | estou viajando/em/na/voltando | estava viajando | depois te | ja respondo | '
        'dia 1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/23/24/25/26/27/28/29/30/31'
    }
)
_DECIDING = Lexicon(
    {True: 'ver | olhar | conhecer | decidir | conversar | que indicou/decide/decidir/vai/me | me indicou'}
)
_ALSO_PLACES = word_set(
    'trabalho trampo escola mercado curso servico emprego aula aulas colegio metro estudo work transito na hospital plantao plantoes clinica '
    'estagio cursinho autoescola federal hemodialise tratamento treino natacao igreja missa culto fisio fisioterapia medico consulta consultas shopping padaria creche consultorio faculdade facul universidade academia'
)
"""Words that name a use only when one goes there."""
_ARTICLES = word_set('a o as os um uma minha meu nossa nosso')
_GOING = word_set('para ao no pelo uso rodar andar for to usar ir')
_TELLING = ('viaj', 'entr', 'pass', 'carr', 'familiar')


def _before(words: Words, start: int) -> Words:
    """Return the words of the same thought before a place."""
    low = start
    while low and start - low < 7 and words[low - 1].text not in SENTENCE_ENDS | {',', 'mas', 'so'}:
        low -= 1
    return Words(words[low:start])


_OF_AN_EMPLOYER = word_set(
    'fechou faliu quebrou demitiu me paga pagou deposita depositou libera liberou adiantou e fica'
)
"""What is said of a firm that the car is not for: where it is, what it pays."""


def _is_denied(words: Words, hit: Hit[MainUse], reach: int) -> bool:
    low = hit.start - reach
    if any(hit.start - (low + cue.end) <= _NEAR - 1 for cue in _NOT_USE.find(words[low : hit.end])):
        return True
    if any(cue.end == reach for cue in _GOOD_AT.find(words[low : hit.start])):
        return True
    behind = [word.text for word in words[hit.end : hit.end + 2]]
    if behind and f'{words[hit.end - 1].text} {behind[0]}' in _NOT_COUNTRYSIDE:
        return True
    if hit.value is MainUse.FAMILY and (
        behind == ['e', 'de'] or behind[:1] in (['mora'], ['moram'], ['vive'], ['vivem'])
    ):
        return True  # where the family lives
    if hit.value is MainUse.BUSINESS and behind[:1] and behind[0] in _OF_AN_EMPLOYER:
        return True
    return behind[:1] == ['nao'] or behind == ['nem', 'pensar']
