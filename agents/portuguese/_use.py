"""What the car is mostly for."""

from __future__ import annotations

from agent_memory.agents.portuguese._changes import stated
from agent_memory.agents.portuguese._data import word_set
from agent_memory.agents.portuguese._lexicon import Hit, Lexicon
from agent_memory.agents.portuguese._place import of_places
from agent_memory.agents.portuguese._scene import Scene
from agent_memory.agents.portuguese._text import SENTENCE_ENDS, Words
from agent_memory.lead import MainUse
from agent_memory.profile import Change

_USES: Lexicon[MainUse] = Lexicon(
    {
        MainUse.APP_DRIVER: 'uber | ubers | uberx | 99 pop? | noventa e nove | 99pop | indrive | indriver | in drive '
        '| in driver | aplicativo | aplicativos | app | apps | motorista de app/aplicativo | '
        'fazer corrida* | corridas | rodar de app | cabify | blablacar | taxi | taxista | passageiros | ride '
        'sharing/hailing | rideshare | lyft | transporte de passageiros',
        MainUse.CARGO_WORK: 'carro/veiculo/furgao/utilitario/picape para entregar | entrega | entregas | entregador | entregar mercadoria* | delivery | deliveries | frete '
        '| fretes | carreto | carretos | ferramenta | ferramentas | '
        'carga | cargas | carregar .. '
        'material/peso/coisa*/caixa*/mercadoria*/produto*/equipamento*/ferramenta*/compra* | levar .. '
        'material/ferramenta*/mercadoria*/equipamento*/carga | transportar | transporte de '
        'carga/material/mercadoria* | mercadoria | mercadorias | ifood | '
        'mercado livre | shopee | loggi | lalamove | obra | obras | material de construcao | trabalho pesado | '
        'servico pesado | pedreiro | eletricista | marceneiro | equipamento | equipamentos '
        '| tools | cargo | freight | construction crew/work/site/company/business | contractor | hauling | haul | puxar .. carretinha/peso | caixas | carretinha | reboque | verdura | verduras | hortifruti | ceasa | '
        'levar/carregar/transportar/buscar/vender/entregar .. fruta*/verdura*/legume*/bebida*/gas/agua/cimento/areia/tijolo*/racao/pao/paes/marmita*/salgado*/bolo*/roupa*/movel/moveis/maquina*/som/instrumento*/encomenda*/estoque | '
        'carregar peso/coisas/tralha/carga | levar/carregar/transportar .. freezer/geladeira/banda/instrumentos/sucata/lenha/leite/ovos/queijo/peixe/carne/flores/uniforme*/brinquedos | '
        'vender/vendo/vendendo .. na rua/feira/praia/estrada | vender/vendo/vendendo .. de porta | faco/fazer/fazendo mudanca/mudancas/carreto/carretos | carregar peso/coisas/tralha/carga | feira livre | feirante | marmoraria | serralheria | marcenaria | motoboy',
        MainUse.OFFROAD_RURAL: 'sitio | fazenda | roca | chacara | rancho | haras | estrada de terra/chao/barro | '
        'estradas de terra/chao | chao batido | trilha | trilhas | lama | '
        'lamacal | barro | zona rural | area rural | rural | off road | offroad | interior de terra | meio do mato | '
        'no/do/para/pelo mato | lida | gado | bois | boi | vaca | vacas | cavalo | cavalos | plantacao | lavoura | colheita | pasto | porteira | assentamento | ramal | farm | dirt road* | lugar ruim de estrada | rua de terra | ruas de terra | buraco* de terra | '
        'rocado | rocados | canavial | cafezal | cacaual | seringal | curral | engenho | criacao de | vicinal | vicinais | picarra | cascalho | atoleiro* | atola* | areiao | '
        'brejo | serrado | cerrado | caatinga | varzea | tropa de | boiada | rebanho | ordenha | granja | '
        'ladeira/ladeiras/rua/caminho/serra/chao/piso/subida/pista/trecho/estradinha de/so terra/chao/barro/picarra/areia/cascalho | '
        'no/do/de/el/pelo/para/o campo | campo e terra | estrada ruim | estradas ruins | finca | pescaria',
        MainUse.BUSINESS: 'empresa | distribuidora | construtora | transportadora | prefeitura | minha firma | a firma | firma | frota | pj | cnpj | uso corporativo | '
        'corporativo | para a? equipe | levo/levar/levando/busco/buscar cliente* | visito/visitar/visitando/atendo/atender/atendendo cliente* | visita* a? cliente* | meu/nosso/do/no/o/proprio/pequeno/para negocio | negocios | meu/minha/nosso/nossa comercio/distribuidora/transportadora/salao/escritorio/restaurante/oficina/clinica/mercadinho/bar/padaria/lanchonete/pousada/barbearia/farmacia/imobiliaria/construtora/startup | meu '
        'comercio | minha loja | escritorio movel | '
        'company | fleet | business | representante comercial | sou/trabalho representante | como representante | representacao comercial | vendedor externo | equipe '
        'de vendas | empresarial | meu negocio',
        MainUse.FAMILY: 'bebe conforto | somos em? 4/5/6/7/8 | 4/5/6/7/8 pessoas em/na/la casa | familia | familiar | crianca | criancas | filho | filhos | filha | filhas | bebe | '
        'meus/os/as guri/guris/piazada/menino/meninos/moleque/moleques/pequenos | crianca* .. escola | gravida | '
        'gestante | esposa e .. filh* | '
        'gemeos | netos | patroa e | mulher e os/as? | kids | family | children | cadeirinha | cadeirinhas | '
        'familion | hijos | ninos | familia* grande | gurizada | criancada | molecada | neném | nenem | vai nascer',
        MainUse.TRAVEL: 'viajar | viajo | viajamos | viagem | viagens | viaja | viajando | pegar/pego/rodar .. '
        'estrada/rodovia/br | estrada | estradas | rodovia | rodovias | rodar na br | longas distancias | road trip* '
        '| roadtrip* | '
        'travel* | highway | trips | longa distancia | viajarmos | cair na estrada | viajes | viajar',
        MainUse.LEISURE: 'passear | passeio | passeios | fim de semana | fins de semana | final de semana | finais '
        'de semana | fds | lazer | praia | praias | role | roles | curtir | '
        'hobby | weekend* | leisure | diversao | domingo | domingos | dar uma volta | dar umas voltas | beach | fun '
        '| paseo | churrasco | balada',
        MainUse.DAILY_COMMUTE: 'ir/vou/vamos/indo/chegar/voltar para/ate/a/na/no/ao a/o? firma/empresa/escritorio/fabrica/usina/industria/banco/quartel/batalhao/prefeitura/forum/reparticao/oficina | dia a dia | no dia dia | diaadia | todo dia | todos os dias | uso diario | diario | '
        'diariamente | cotidiano | rotina | ir trabalhar | ir ao/para o? trabalho/servico/trampo/escritorio/emprego '
        '| ir e voltar | ida e volta .. trabalho/servico | trabalhar | trabalho | trampo | trampar | servico | '
        'emprego | faculdade | facul | universidade | curso | estudar | estagio | cursinho | autoescola | federal | hemodialise | tratamento | quimio* | radioterapia | treino | natacao | escola | colegio | aula | aulas | '
        'rodar/andar/uso/usar na/dentro/em .. cidade | na cidade | uso urbano | urbano | cidade mesmo | transito | igreja | missa | culto | fisio | fisioterapia | medico | consulta | consultas | shopping | padaria | fazer compra/compras | creche | '
        'plantao | plantoes | hospital | clinica | consultorio | mais/so/somente cidade | '
        'para a? cidade | carro de cidade | commut* | work | daily | supermercado | mercado | dentro da cidade | '
        'school | college | errands | city use | around town | deslocamento | locomocao | ir para o? centro | '
        'trabalhar todos | trabajo | trabajar | diario | andar/rodar/circular por aqui/ai/perto | resolver .. coisas/vida/pendencias | correria .. dia | ir e vir | ir na padaria | academia | '
        'metro',
    }
)
_STRONG: Lexicon[bool] = Lexicon({True: 'uber | 99 | app | aplicativo'})
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
        'pegar/pego/pegando/chamar/chamo uber/99/taxi/app/aplicativo | '
        'desde .. crianca/menino/menina/pequeno/pequena/guri/guria/bebe/moleque/moleca | quando eu? era/fui .. crianca/menino/menina/pequeno/pequena | moved/relocated/transferred .. for | me mudei/mudando/mudar .. a/pelo/por/para | nos mudamos .. a/pelo/por | transferido/transferida .. a/pelo/por/para | vim/viemos .. a/pelo/por | causa do/de | '
        'visitar/ver/rever a/o/os/as/minha/meu/meus/minhas? familia/filho/filha/filhos/filhas/neto/netos/familiares | gasto/gastando/gastei/gastar .. com/de/em | depender/dependo/dependendo de | '
        'voltar/voltei/fui/vim/vou/volto de | larguei | parei | sai do/da/de | nao .. '
        'para/pra/e/vou/quero/pretendo/uso/trabalho '
        '| nada de | sem ser para | deixei | nunca .. para | trabalhava | fui | voces tem | baixei o? | pelo | '
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
    if hit.value is MainUse.BUSINESS and behind[:1] in (['fechou'], ['faliu'], ['quebrou'], ['demitiu']):
        return True
    return behind[:1] == ['nao'] or behind == ['nem', 'pensar']
