"""How the person relates to something they name: wants it, refuses it, owns it, takes it back."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Literal

from agent_memory.agents.portuguese._data import word_set
from agent_memory.agents.portuguese._lexicon import Hit, Lexicon
from agent_memory.agents.portuguese._people import KIN
from agent_memory.agents.portuguese._text import END, SENTENCE_ENDS, Word, Words

Stance = Literal['want', 'only', 'refuse', 'own', 'other', 'remove', 'want_back']
Span = tuple[int, int]

_KIN = f'{KIN}/patroa/velho/coroa/cara/pessoal'
_Cue = tuple[Stance, int]
"""A stance, and within how many words behind the cue the name must come."""

_WANT: _Cue = ('want', 3)
_REFUSE: _Cue = ('refuse', 5)
_OWN: _Cue = ('own', 4)
_OWN_NEXT: _Cue = ('own', 2)
_OTHER: _Cue = ('other', 4)
_COMPARED: _Cue = ('other', 3)
_MOTORCYCLE: _Cue = ('other', 2)
_REMOVE: _Cue = ('remove', 4)
_ONLY: _Cue = ('only', 3)
_REFUSE_NEXT: _Cue = ('refuse', 1)

_BEFORE: Lexicon[_Cue] = Lexicon(
    {
        _WANT: 'preciso/necessito/precisava/precisamos/atras de? | quero/queria/prefiro/preferia/gostaria mesmo? e/era/seria um/uma/o/a/os/as? | '
        'meu/minha sonho/ideal/plano/vontade/paixao/desejo/negocio mesmo? e/era/seria ter/comprar/pegar? um/uma/o/a? | '
        f'ideal/certo/bom/melhor/legal mesmo? e/era/seria ter/comprar/pegar? um/uma/o/a | '
        f'estou/ando/estamos/fiquei/ficamos de olho em/no/na/num/numa? | por | meu/minha/nosso/nossa {_KIN} | '
        'quero | queria | quero o/a/um/uma? | procuro | procurando | busco | prefiro | preferia | preferencia '
        '| gosto | gostaria | curto | amo | adoro | sonho | pode/podia ser | interesse/interessado em/no/na? | de '
        'olho em/no/na? '
        '| mas | porem | me gusta/gustan | prefiero | aceito | topo | por um/uma/outro | pelo | pela | de entrada em/num/numa/no/na/para | na troca por/num/numa/de | pegar | comprar | subir para '
        '| trocar/troca/troque por | muda/mude para/por | mudar para | ir para | penso/pensando em | busco | quiero | want | looking for | like '
        '| tenho interesse em/no/na? | tenho preferencia | tenho vontade | tem que? ser? | tinha em mente | esperando '
        '| pode/podem mostrar/mandar/incluir/colocar/ver | inclui* | coloca | bota | adiciona | me mostra | vi/achei '
        'um/uma? '
        '| meu sonho | minha preferencia | minha marca | meu foco | meu interesse | meu favorito | meu preferido | '
        'minha favorita | minha preferida | minha prioridade | gostei | fa | tenho um fraco | tenho uma queda',
        _REFUSE: 'nao , tipo/como | nao tenho/temos/vejo/possuo/sinto o/muito/muita/nenhum/nenhuma/qualquer? menor/minima? interesse/vontade/simpatia/afinidade em/no/na/de/do/da/por/pela/pelo/com | nao me/nos? interesso/interessa/interessam/simpatizo/bico/bicou por/pela/pelo/com/o/a? | nao .. '
        'quero/queria/gosto/curto/aceito/compro/serve/vou/recomendo/confio/pego/teria/gostaria/tenho/penso/desejo '
        '| nao me? mostra/mostre/manda/mande | nao precisa | nao faco questao | nao faz | nao ligo | nao sou fa '
        '| nada de/do/da/com | odeio | detesto | menos | exceto | tirando | fora | sem ser? | dispenso | evito | '
        'evitar '
        '| quero/mantenho distancia de | sofri/sofremos com | decepcionei/decepcionado/decepcionada com | arrependi/arrependido/arrependida de/do/da | experiencia ruim/pessima com | pessima experiencia com | fugir/fuja/fugindo de/do/da | fujo/longe/correr/corro de/do/da? | trauma/raiva/medo/nojo/ranco/odio/bode/aversao de/do/da/a? | jamais | nunca .. mais? '
        'quero/compro/compraria/teria '
        '| nem | exceto | tudo/qualquer .. menos | no quiero | nada de | anything/everything/any but | any brand/car but | but not | not a/an? | no more | and/but no | dont '
        'want/like '
        '| don t want/like | except | hate | deus me livre de? | passo longe de/do/da? | que nao seja/tenha | nao '
        'seja | excluir | exclui* '
        '| nao pode ser | nao quero que seja | chega/cansei/cansado/cansada/enjoei/farto/farta de | nunca mais | '
        'ninguem merece | pavor de | bronca de/do/da/com | nunca .. boa/boas/bom experiencia/experiencias/sorte com | nao .. boa/boas experiencia/experiencias/sorte/lembranca/lembrancas com/de/do/da | '
        'resistencia/restricao/restricoes/aversao/antipatia/preconceito/receio/implicancia/birra/ranco/ojeriza a/com/contra/de/do/da/por/pela | '
        'problema/problemas/prejuizo/azar/dor com/de/do/da | ruim/ruins/pessima/pessimas/ma/mas/desastrosa/desastrosas/terrivel/terriveis/horrivel/horriveis/traumatica/desagradavel/desagradaveis/infeliz/negativa/negativas/frustrante/amarga/amargas/lamentavel experiencia/experiencias/lembranca/lembrancas com/de/do/da | experiencia/experiencias/lembranca/lembrancas ruim/ruins/pessima/pessimas/ma/mas/desastrosa/desastrosas/terrivel/terriveis/horrivel/horriveis/traumatica/desagradavel/desagradaveis/infeliz/negativa/negativas/frustrante/amarga/amargas/lamentavel com/de/do/da |  desisti de/do/da | desencantei de/do/da',
        _REFUSE_NEXT: 'nao',
        _OWN: 'tenho/temos um/uma/o/a? | era um/uma | estou/ando com/de | tinha/tive/tivemos um/uma/o/a? | ja tive/tivemos | dirijo '
        '| carro atual e? | atual e '
        '| meu/nosso carro hoje? e? | carro que tenho | saindo/sair/vim de/da/do | dono de | vendi/vender/vendo/vendendo | '
        'dou/dar/dando '
        '| trocar/troco/troca/trocando/trocaria | comprei | ando/andava/rodo/rodava/andamos em/num/numa/com/no/na/de | sai/saimos/saindo de/do/da | desfazer/desfazendo/livrar/livrando de/do/da | quitei um/uma/o/a? | financiei um/uma/o/a? | hoje .. ando/tenho/uso/e | passei | possuo | uso/usava '
        'um/uma | bati '
        '| roubaram | batido | roubado | perdi/perda | capotei | deixar/deixo/deixaria/entregar/entrego o/a? meu/minha/um/uma | entro com | have '
        'a | own a | drive a | tengo un/una | no tengo '
        '| aceita/aceitam/pega/pegam/avalia/avaliam o/a? meu/minha/um/uma',
        _OWN_NEXT: 'contando/somando/juntando com/o/a? o/a/meu/minha? | meu | minha | nosso | nossa | aceitam/aceita/pegam/pega/avaliam/avalia um/uma? | quebrou | my | mi',
        _OTHER: f'perto/proximo/lado/frente/pertinho/dentro da/do/de | carro da/do/de meu/minha/nosso/nossa? {_KIN} e/era um/uma/o/a | meu/minha/nosso/nossa/o/a/uma/um {_KIN} .. tem/tinha/dirige/anda/comprou/usa/vendeu/pegou/teve/esta/pagou/gastou/trocou/financiou/ganhou/deu '
        f'| {_KIN} .. tem/tinha/dirige/anda/comprou/usa/vendeu/pegou/teve | alugo/alugar/aluguei | alugado | locadora '
        '| dele/dela e | ele/ela .. tem/comprou/anda | trabalho/trabalhei na/no/com/para | concessionaria | '
        'emprestado | oficina '
        '| bateu | bateram | mecanico',
        _MOTORCYCLE: 'moto | motos | motocicleta | motoca | scooter',
        _COMPARED: 'nada contra | achei/acho/achamos/achando muito? caro/cara/feio/feia/ruim demais? o/a/os/as | '
        'melhor/maior/menor/mais .. que/q o/a? | do que | em vez de/do/da | ao inves de/do/da | no lugar de/do/da '
        '| mais que '
        '| rather than | than a? | instead of',
        _REMOVE: 'mudei/mudamos de ideia/opiniao sobre/quanto/do/da/com | vetou/vetei/vetaram/vetamos/proibiu/barrou/cortou/cortei/descartou | risca* | tira* | remov* | retira* | esquec* | desconsider* | corta* | descarta* | elimina* | '
        'apaga* | '
        'exclu* | ignora* '
        '| deixa .. para la | desmarca*',
        _ONLY: 'so/somente/apenas/exclusivamente/unicamente '
        'quero/aceito/gosto/compro/se/serve/for/de/a/o/interessa/mesmo? '
        '| so | somente | apenas | exclusivamente | only | quero so/somente/apenas | tem que ser | solo | solamente '
        '| nao abro mao de/do/da | faco questao de/do/da | fico/ficamos/ficar/vou/vamos/fecho com/de/do/da | decidi/decidimos por/pelo/pela/que | ficar so com | fica so | deixa so | agora so',
    }
)
_AFTER: Lexicon[Stance] = Lexicon(
    {
        'only': 'mesmo | entao , | entao . | entao ⏎',
        'refuse': 'eu? descarto/descartaria/recuso/rejeito/elimino/evito/evitaria/corto/risco/pulo/excluo/abomino/veto | eu? quero/prefiro/mantenho distancia | '
        'tive/tivemos/tenho/guardo muita/muitas/uma/so/ja? ruim/ruins/pessima/pessimas/ma/mas/desastrosa/desastrosas/terrivel/terriveis/horrivel/horriveis/traumatica/desagradavel/desagradaveis/infeliz/negativa/negativas/frustrante/amarga/amargas/lamentavel/experiencia/experiencias/lembranca/lembrancas ruim/ruins/pessima/pessimas/ma/mas/desastrosa/desastrosas/terrivel/terriveis/horrivel/horriveis/traumatica/desagradavel/desagradaveis/infeliz/negativa/negativas/frustrante/amarga/amargas/lamentavel | tive/tivemos ruim/ruins/pessima/pessimas/ma/mas/desastrosa/desastrosas/terrivel/terriveis/horrivel/horriveis/traumatica/desagradavel/desagradaveis/infeliz/negativa/negativas/frustrante/amarga/amargas/lamentavel experiencia/experiencias | '
        'tive/tivemos/deu/dava/da muito/muitos/so/bastante? problema/problemas/prejuizo/trabalho/aborrecimento/aborrecimentos/dor | '
        'e/sao/so uma/um/umas? bomba/bombas/lixo/furada/cilada/porcaria/porcarias/merda/bosta/roubada/pesadelo/problema/problematico/prejuizo/desgraca/horrivel/pessimo/pessima/tranqueira | '
        'so da/dao/deu problema/problemas/dor/prejuizo/trabalho/manutencao | ja? me decepcion*/frustr*/trau* | nao .. repetir/repeti | nem pensar | tambem nao | tambem nem | nao me agrada/desce/atrai/convence/serve/interessa/agradam '
        '| e nunca mais | nunca '
        'mais | e deus me livre | deus me livre | nem a pau | nem morto | nem fodendo | nem de graca | nem ferrando '
        '| nem quero | nem .. ver '
        '| nao , | nao . | nao ; | nao ⏎ | nao ! | nao que/porque/pois/por | nao e nem | nao mas | nao nem | nao quero | nao gosto '
        '| no ⏎ | no . | no , | nao .. quero/compro/gosto/curto/aceito/pego/confio/teria/serve/rola/da/serve/presta | jamais | nunca | de '
        'jeito/forma/maneira nenhum/nenhuma/algum/alguma '
        '| estou/esta/estamos fora/correndo/fugindo/longe | sem chance | fora | dispenso | passo | odeio | detesto | nao mesmo | nao rola | nao da '
        '| esta/estao/ficam/sao/foram/seguem/segue/fica descartad*/excluid*/eliminad*/riscad*/vetad*/proibid*/cortad* | descartad* | vetad* | no way | nao presta | nao me atende | nao pode | nao por favor | nao '
        'obrigado | nao viu | nao mano | please no',
        'own': 'na troca | para/pra dar na? | como/de/parte do/de? entrada | e parte | como parte | que/q eu? tenho '
        '| para trocar | atual '
        '| para dar | de entrada | pega na troca | que estou vendendo | para vender',
        'other': f'quebra/quebram muito/demais/direto/facil/sempre | da/dao muito? problema/problemas/manutencao/defeito | e/sao bomba/ruim/uma porcaria | bebe/bebem/gasta/gastam muito/demais | biz | cg | titan | bros | xre | twister | pcx | nmax | lander | fan 160/150/125 | do/da/dele/dela/de meu/minha/nosso/nossa? {_KIN} | dele | dela | dos outros | de um {_KIN}',
        'want_back': 'pode sim? | pode ser | sim | eu aceito | eu quero | aceito | pode voltar | ok | tudo bem | '
        'beleza | e bo* | seria '
        '| volta | libera* | serve | agora pode | me interessa | eu topo | eu gosto | tambem | eu curto | yes',
        'remove': 'pode tirar/riscar/remover/excluir | tira* | sai fora? | pode sair | esquece | deixa para la | nao '
        'precisa mais',
    }
)
_JUDGED = Lexicon(
    {
        True: f'meu/minha/nosso/nossa {_KIN} ja? tem/tinha/teve/comprou/dirige/usa/anda/vendeu/pegou ,/./!/;/⏎/e/mas | '
        'e/sao/fica/ficam/sai/saem/esta/estao muito/bem/meio/tao/mais? caro/cara/caros/caras/salgado/salgada/carissimo/carissima/ruim/ruins/feio/feia/feios/feias/apertado/apertada/apertados/desconfortavel/beberrao/gastao/puxado/inviavel | '
        'e muito/bem/meio/tao grande/grandao/alto/alta ,/./!/⏎ | e/sao/fica/ficam/acho muito/bem/meio/tao? pequeno/pequena/pequenos/grande/grandes/grandao/baixo/baixa/baixos/alto/alta/altos/comprido/comprida/duro/apertado/apertada demais/para | '
        'e/sao coisa/carro de velho/tiozao/playboy/rico/madame'
    }
)
"""What is said right behind a name that is only remarked on."""
_RESUMED = Lexicon(
    {
        True: 'esse/essa/esses/essas/desse/dessa/desses/dessas/nesse/nessa marca/modelo/tipo? eu/nos/a? gente? nao ,/./!/⏎/quero/queremos/gosto/gostamos/curto/compro/compraria/aceito/pego/confio/arrisco/encaro/topo/serve/rola/interessa | '
        ', melhor/prefiro nao ⏎/./!/, | estou fora ⏎/./!/, | , nunca mais ⏎/./!/, | deus me livre | nao volto/repito/arrisco/caio mais? ⏎/./!/, | nao tenho/tive coragem/vontade'
    }
)
"""Turns down what was named before: "a Fiat meu pai tem, mas dessa eu não gosto"."""
_RESUMED_WITHIN = 14
_LINKS = word_set(
    'e ou , nem / o a os as um uma uns umas de do da dos das no na or and y and/or marca tipo modelo da ; com'
)
_BREAKS = SENTENCE_ENDS - {';'}
_MOTORCYCLES = word_set('biz cg titan bros xre twister pcx nmax lander fan')
_NEAR = 3


def stances(words: Words, spans: Sequence[Span], default: Stance = 'want') -> list[Stance]:
    """Return the stance toward each of `spans`, in order.

    A cue before the first name of a list holds for the whole list; a cue behind a name holds for the names that "e",
    "nem" or "ou" join to it, and for a whole list of commas when nothing was said before it.
    """
    cues = _BEFORE.find(words)
    found: list[Stance | None] = []
    for index, (start, _) in enumerate(spans):
        linked = index > 0 and _linked(words, spans[index - 1][1], start)
        cue = _cue_before(words, cues, start, since=0 if linked or not index else spans[index - 1][1])
        if index and _is_passed_over(words, spans[index - 1], start):
            cue = 'other'
        elif cue is None and linked:
            cue = found[-1]
        found.append(cue)
    for index in range(len(spans) - 1, -1, -1):
        limit = spans[index + 1][0] if index + 1 < len(spans) else len(words)
        after = _remark(words, spans[index][1], limit, found[index]) or _after(words, spans, index)
        if after is None:
            continue
        had_cue = found[index] not in (None, 'want', 'only')
        if after == 'want_back' and had_cue:
            continue
        if after in ('own', 'other') and found[index] in ('refuse', 'remove'):
            continue
        if after == 'own' and _asked_for(words, spans[index][0]):
            continue
        found[index] = after
        _spread_back(words, spans, found, index, after)
    return [stance or default for stance in found]


def _is_passed_over(words: Words, first: Span, start: int) -> bool:
    """Return whether a name comes second to the one before it: "prefiro Toyota a Honda"."""
    between = [word.text for word in words[first[1] : start]]
    before = [word.text for word in words[max(0, first[0] - _NEAR) : first[0]]]
    return between in (['a'], ['ao'], ['a', 'um'], ['a', 'uma'], ['que']) and any(
        one.startswith('prefer') or one == 'prefiro' for one in before
    )


def _remark(words: Words, at: int, limit: int, held: Stance | None) -> Stance | None:
    """Return what a later clause says of a name: "suv é caro", "L200 meu vizinho tem, mas essa eu não quero"."""
    behind = words[at : min(limit, at + _RESUMED_WITHIN)]
    if held in ('own', 'refuse', 'remove'):
        return None
    if _RESUMED.within(behind):
        return 'refuse'
    asked = any(word.text == '?' for word in behind)
    return 'other' if held is None and behind and not asked and _JUDGED.at(behind, 0) else None


def _asked_for(words: Words, start: int) -> bool:
    """Return whether the shop is asked for a car: "queria saber se tem Strada pra vender"."""
    low = start
    while low and start - low < _NEAR + 1 and words[low - 1].text not in _BREAKS:
        low -= 1
    return _ASKED_FOR.within(words[low:start]) is not None


_ASKED_FOR = Lexicon(
    {
        True: 'se/voces/vcs tem/teria/teriam | tem algum/alguma/um/uma/esse/essa ai? | teria/teriam/chegou/chegaram/procuro/procurando | '
        'quem/onde tem/tenha/vende | aparecer/surgir/tiver/tiverem'
    }
)


def decided(held: Sequence[Stance]) -> list[Stance]:
    """Return the stances once the person settles: what was merely wanted before an "only" is out.

    "gosto de Fiat. melhor, só Honda" leaves the Honda; names that an "e" joins share their stance and stay together.
    """
    settled = held.index('only') if 'only' in held else 0
    return ['other' if place < settled and one == 'want' else one for place, one in enumerate(held)]


def _cue_before(words: Words, cues: list[Hit[_Cue]], start: int, *, since: int) -> Stance | None:
    i = bisect_right(cues, start, key=lambda cue: cue.end)
    for cue in cues[max(0, i - 1) : i]:
        stance, reach = cue.value
        if cue.end <= since:
            return None
        between = words[cue.end : start]
        if any(word.text in _BREAKS for word in between):
            return None
        if reach == 1 and any(word.text in ',-/' for word in between):
            return None
        distance = sum(word.text not in _LINKS for word in between)
        if distance < reach:
            if words[cue.start].text in _COMPLAINTS and _has_none(words, cue.start, since):
                return 'other'
            return 'refuse' if stance == 'want' and _is_negated(words, cue.start, since) else stance
    return 'refuse' if _is_negated(words, start, since) else None


def _is_negated(words: Words, at: int, since: int) -> bool:
    """Return whether a "não" shortly before a place denies it: "não boto fé em Renault", "não penso em comprar Fiat"."""
    between: list[str] = []
    for i in range(at - 1, since - 1, -1):
        text = words[i].text
        if sum(one not in _LINKS and one not in _CARRIES for one in between) >= _NEGATION_REACH:
            return False
        if text in SENTENCE_ENDS or text in _OTHER_THOUGHT:
            return False
        if text in ('nao', 'nunca', 'jamais'):
            verb = next((one for one in reversed(between) if one not in _CLITICS), '')
            conditional = i > since and words[i - 1].text in ('se', 'caso', 'quando')  # "se não tiver, pode ser"
            return not conditional and verb.isalpha() and verb not in _NO_DENIAL
        between.append(text)
    return False


def _has_none(words: Words, at: int, since: int) -> bool:
    """Return whether a complaint is denied: "nunca tive problema com Fiat", "sem preconceito com Renault"."""
    before = [word.text for word in words[max(since, at - _NEGATION_REACH) : at]]
    return not _DENIALS.isdisjoint(before) and _BREAKS.isdisjoint(before) and ',' not in before


_COMPLAINTS = word_set(
    'resistencia restricao restricoes aversao antipatia preconceito receio implicancia birra ranco ojeriza problema problemas prejuizo '
    'azar dor ma mas ruim ruins pessima pessimas trauma raiva medo nojo bronca pavor'
)
_DENIALS = word_set('nao nunca jamais sem nenhum nenhuma zero')
_NEGATION_REACH = 5
_CARRIES = word_set('veiculo veiculos carro carros automovel automoveis modelos me')
"""Words between a denial and a name that say nothing by themselves."""
_OTHER_THOUGHT = word_set(', mas que e porque pois so para se quanto qual')
_NO_DENIAL = word_set(
    'sei sabia conheco vejo vi achei acho encontrei encontro tem tinha tenho temos ligo importo importa e era seria precisa preciso so '
    'muito tanto quanto vendo vende abro gasta gastar faz ha existe mais ou a o os as um uma ter fico pago paga pagar custa troco'
)


def _linked(words: Words, end: int, start: int) -> bool:
    return all(word.text in _LINKS or word.number is not None or word.text == END for word in words[end:start])


def _after(words: Words, spans: Sequence[Span], index: int) -> Stance | None:
    """Return the cue behind a name; years and short descriptions of the car may stand between."""
    limit = spans[index + 1][0] if index + 1 < len(spans) else len(words)
    at = spans[index][1]
    if at + 1 < limit and words[at].text == '?':  # "Fiat? Deus me livre"
        hit = _AFTER.at(words, at + 1)
        return 'refuse' if hit and hit.value == 'refuse' else None
    if _refuses_to(words[at:limit]):
        return 'refuse'
    for place in range(at, min(at + _NEAR + 1, limit)):
        hit = _AFTER.at(words, place)
        near = place == at or _skippable(words, at, place)
        if hit and (near or hit.value == 'own' or (hit.value == 'other' and words[place].text not in _MOTORCYCLES)):
            return None if _is_about_next(words, spans, index, hit) else hit.value
        if words[place].text in SENTENCE_ENDS:
            return None
        if words[place].text == ',' and place > at:
            return None
    return None


def _refuses_to(words: Sequence[Word]) -> bool:
    """Return whether what is said of a name turns it down: "Peugeot eu não deixo ela pegar", "Renault nem que me paguem"."""
    texts = [word.text for word in words[: _NEAR + 3]]
    while texts and texts[0] in _TOPICAL:
        texts.pop(0)
    if len(texts) < 2 or '?' in texts:
        return False
    while len(texts) > 2 and texts[0] == 'nao' and texts[1] in _CLITICS:
        texts.pop(1)
    return texts[0] in ('nao', 'nem') and texts[1].isalpha() and texts[1] not in _NO_REFUSAL


_TOPICAL = word_set(', eu ai entao esse essa isso ja mesmo por mim a gente comigo')
_CLITICS = word_set('me te nos lhe se mais da dao')
_NO_REFUSAL = word_set(
    # What a good car does not do, and what says nothing of it.
    'quebra quebram gasta gastam bebe bebem desvaloriza desvalorizam tem decepciona decepcionam falha falham estraga enferruja '
    'perde perdem deixa deixam problema problemas manutencao dor trabalho sei sabia acho achei conheco vejo vi encontrei e sao '
    'era seria fica ficam precisa preciso importa importam ligo importo muito tanto so no do ao pelo caro cara na o a os as um '
    'uma digo descarto excluo rejeito dispenso nego reclamo abro tenho temos tinha faz faco sempre todo muita para de em por lembro '
    'entendo custa custam vale valem ta esta estao pode tudo nada mas ou ha existe vem chega chegou'
)


def _is_about_next(words: Words, spans: Sequence[Span], index: int, hit: Hit[Stance]) -> bool:
    """Return whether a cue goes with the name that follows it: "Toyota, e não quero Fiat"."""
    if index + 1 >= len(spans) or hit.start == spans[index][1]:
        return False
    return hit.value == 'refuse' and all(word.text in _ARTICLES for word in words[hit.end : spans[index + 1][0]])


_ARTICLES = word_set('o a os as um uma de do da carro marca')


def _skippable(words: Words, start: int, end: int) -> bool:
    return all(word.text in {',', 'eu', 'ai', 'ja', 'e', 'entao', 'tambem'} for word in words[start:end])


def _only_commas(words: Words, spans: Sequence[Span], index: int, named: int) -> bool:
    """Return whether commas alone part a list of names before `index`, so that what is said behind it holds for all.

    "hatch ou suv, sedan não" refuses only the last, and so does "chevrolet, fiat não".
    """
    links = ([word.text for word in words[spans[i][1] : spans[i + 1][0]]] for i in range(index - 1))
    return (index > 1 or index < named) and all(link == [','] for link in links)


def _spread_back(words: Words, spans: Sequence[Span], found: list[Stance | None], index: int, stance: Stance) -> None:
    named = index
    while index > 0:
        between = [word.text for word in words[spans[index - 1][1] : spans[index][0]]]
        joined = bool({'e', 'ou', 'nem', 'or', 'and'} & set(between)) and ',' not in between
        bare = (
            all(text in _LINKS for text in between)
            and found[index - 1] is None
            and _only_commas(words, spans, index, named)
        )
        if not (joined and all(text in _LINKS for text in between)) and not bare:
            return
        index -= 1
        if found[index] in (None, 'want'):
            found[index] = stance
