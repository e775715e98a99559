"""What a turn wants of the catalogue and of the talk itself, beside the facts that it states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agent_memory.agents._enquiries import Enquiry, read_enquiries
from agent_memory.agents._scene import ShownCar
from agent_memory.agents.portuguese._answers import leading_answer
from agent_memory.agents.portuguese._lexicon import Lexicon
from agent_memory.agents.portuguese._text import Words, read_words
from agent_memory.agents.portuguese._vehicles import find_vehicles

_SEE = Lexicon(
    {
        True: 'qual/quais/que carro/carros voces? tem | ver opcoes/carros/algumas/as/os | quais opcoes/carros/modelos | mostra* | me manda/mande | manda fotos | sugest* | sugere | recomend* '
        '| indica* | tem algum/alguma/algo/alguns | o que tem/voces/voce/vcs | que carros | procura/procure .. para mim | mais opcoes | outras opcoes '
        '| outros carros | outro carro | tem mais ?/algum/alguma | no estoque | quais voces/tem | o que voces? tem/tem? | voces tem carro/carros | em estoque | quero ver | posso ver | tem ? ⏎'
    }
)
_HAVE = Lexicon({True: 'tem/tens/teria/teriam/vende/vendem .. ?'})
_OTHERS = Lexicon(
    {
        True: 'mais/outras opcoes/carros/modelos | outros/outro carros/carro/modelos/modelo | tem outro/outros/outra/outras | tem mais ?/algum/alguma '
        '| mais algum/alguma | algum/alguma outro/outra | so esse/esses/essa/essas ?/ai'
    }
)
Best = Literal['price', 'year', 'km', 'match']
_BEST: Lexicon[Best] = Lexicon(
    {
        'price': 'qual/quais .. mais barato/barata/baratos | o mais barato | a mais barata | mais barato deles/desses/dos | qual .. menor preco | tem algum/alguma/outro/outra .. mais barato/barata/em',
        'year': 'qual/quais .. mais novo/nova/recente | o mais novo | a mais nova | mais novo deles/desses/dos',
        'km': 'qual/quais .. menos rodado/rodada/km | o menos rodado | a menos rodada | menos rodado deles/desses/dos | qual .. menor km/quilometragem',
        'match': 'qual .. indica/indicaria/recomenda/recomendaria/sugere/sugeriria/pegaria/compensa | qual .. vale mais',
    }
)
Alterable = Literal['budget', 'type', 'brand']
_ALTERABLE: Lexicon[Alterable] = Lexicon(
    {'budget': 'valor | preco | orcamento', 'type': 'tipo | categoria', 'brand': 'marca | marcas'}
)
ASKS_TO_ALTER = ('prefere mudar', 'outro valor, tipo ou marca')
"""What is in the replies that ask what else would do."""
_COMPARE = Lexicon({True: 'compar* | diferenca* | qual .. melhor | qual dos | qual deles | versus | vs'})
_DETAILS = Lexicon(
    {
        True: 'detalhe* | mais sobre | fala/fale/fala .. mais | me conta/conte | saber mais | gostei | interess* | esse/desse/deste/este/dele/dela | ficha '
        '| quanto custa/ta/esta/fica/sai | qual .. preco/valor | preco/valor do/da/desse/desta/dele | quantos km | foto/fotos do/da/desse | como e'
    }
)
_PRICE = Lexicon(
    {
        True: 'quanto custa* | qual .. preco/valor | quanto e | quanto fica | quanto sai | quanto ta/esta/custam/? | preco* | valor do/da/desse/deles/dele'
    }
)
_TERMS = Lexicon(
    {
        True: 'desconto* | quanto .. entrada | entrada minima | sem entrada | abaixa* | faz por | fazem por | negoci* | melhor/menor/ultimo preco | preco final | juros | taxa* | parcel* | financia* | cartao | boleto | proposta | garantia | entrega* | prazo | '
        'reserva* | test drive | avaliar | avaliacao'
    }
)
_VISIT = Lexicon(
    {
        True: 'testar/dirigir ele/ela/esse/essa/este/esta | testar/dirigir o carro | quero testar ⏎ | posso testar ⏎/? | uma/minha/a/de/fazer/quero visita | visita/visitar/conhecer .. loja/voces/ai/carro/estoque | agendar | marcar .. horario/visita | ir ai | vou/passo ai hoje/amanha/depois/sabado/domingo/segunda/terca/quarta/quinta/sexta | ir/vou na loja | passar ai | passar na loja | pessoalmente | quando posso/podemos ver/ir | ver de perto | posso/podemos/quero/queria/consigo/da visitar | levar .. mecanico'
    }
)
OFFERS_VISIT = 'Quer marcar uma visita'
_THANKS = Lexicon({True: 'obrigad* | brigad* | valeu | vlw | agradecid* | agradeco'})
_BYE = Lexicon(
    {True: 'tchau | ate mais | ate logo | ate amanha | falou | era so isso | so isso | por hoje e so | nao quero mais'}
)
_UNSURE = Lexicon(
    {
        True: 'nao sei | nao entendo nada? de carro/carros | voce que sabe | voce escolhe | o que voce acha | oq voce acha | sei la | nao faco ideia | nem ideia | tanto faz | ainda nao .. decidi/defini/pensei | nao tenho '
        'ideia/preferencia/certeza | nenhuma | qualquer um/uma | depende | sem preferencia | vejo depois | prefiro nao'
    }
)
Facet = Literal['color', 'km', 'year', 'price', 'gearbox', 'fuel', 'place', 'features']
_FACETS: Lexicon[Facet] = Lexicon(
    {
        'color': 'cor | cores',
        'km': 'km | quilometragem | rodou | rodado',
        'year': 'ano ? | que/qual ano | qual o ano | ano dele/dela/do',
        'price': 'preco | valor | quanto custa/e/ta/esta/fica/sai',
        'gearbox': 'cambio | automatico | manual',
        'fuel': 'combustivel | flex | gasolina | diesel | alcool | etanol',
        'place': 'onde ele? fica/esta/ta | em que cidade | qual cidade',
        'features': 'opcionais | itens | multimidia | tem ar | ar condicionado | completo | direcao | airbag | airbags | abs | camera | sensor | couro | teto solar',
    }
)
_THIS = Lexicon(
    {True: 'ele | ela | dele | dela | esse | essa | desse | dessa | este | o carro | nele | cor | km | cambio | ano'}
)
_ORDINALS = {
    'primeiro': 1,
    'primeira': 1,
    'segundo': 2,
    'segunda': 2,
    'terceiro': 3,
    'terceira': 3,
    'quarto': 4,
    'quinto': 5,
}


@dataclass(frozen=True)
class Wishes:
    """What one turn wants beside the facts that it states."""

    see: bool = False
    """To be shown cars."""
    has: bool = False
    """To know whether there is something."""
    others: bool = False
    """To be shown other ones than before."""
    best: Best | None = None
    """To be told which of the shown cars is the cheapest, the newest, the least driven or the one that fits best."""
    alters: Alterable | None = None
    """What the person would change, after they were asked."""
    compare: bool = False
    details: bool = False
    price: bool = False
    """To know what a car costs."""
    terms: bool = False
    """A discount, a rate, a deadline: what only a consultant may promise."""
    visit: bool = False
    """To see a car at the shop, which a person arranges."""
    thanks: bool = False
    bye: bool = False
    unsure: bool = False
    """No answer to what was asked: "não sei", "tanto faz"."""
    enquiries: tuple[Enquiry, ...] = ()
    """What is asked of the shop beside cars."""
    facet: Facet | None = None
    """What of the car in play is asked: its colour, its mileage."""
    cars: tuple[ShownCar, ...] = ()
    """The shown cars that are meant, in the order they are named."""


def read_wishes(texts: Sequence[str], shown: Sequence[ShownCar], *, asked: str | None = None) -> Wishes:
    """Return what a turn wants.

    Args:
        texts: What the person wrote.
        shown: The cars that numbers and model names may mean.
        asked: What they were told last.
    """
    words = read_words(list(texts))
    best = _BEST.within(words) if shown else None

    def says(lexicon: Lexicon[bool]) -> bool:
        return lexicon.within(words) is not None

    return Wishes(
        see=says(_SEE),
        has=says(_HAVE),
        others=says(_OTHERS),
        best=best,
        alters=_ALTERABLE.within(words) if any(one in (asked or '') for one in ASKS_TO_ALTER) else None,
        compare=says(_COMPARE),
        details=says(_DETAILS),
        price=says(_PRICE) and 'fipe' not in words.places,
        terms=says(_TERMS),
        visit=says(_VISIT) or (OFFERS_VISIT in (asked or '') and leading_answer(words) is True),
        thanks=says(_THANKS),
        bye=says(_BYE),
        unsure=says(_UNSURE),
        # "Qual o mais barato?" takes exception to none of them.
        enquiries=tuple(one for one in read_enquiries(words) if not (best and one == 'dislike')),
        facet=_FACETS.within(words),
        cars=_meant(words, shown) or _in_play(words, shown, asked),
    )


def best_of(shown: Sequence[ShownCar], by: Best) -> ShownCar:
    """Return the first of the shown cars, best matches first, that no other is better than."""
    match by:
        case 'price':
            return min(shown, key=lambda car: car.price)
        case 'year':
            return max(shown, key=lambda car: car.year)
        case 'km':
            return min(shown, key=lambda car: car.km)
        case 'match':
            return shown[0]


def _in_play(words: Words, shown: Sequence[ShownCar], asked: str | None) -> tuple[ShownCar, ...]:
    """Return the car told of last, when the turn goes on about it: "qual a cor dele?"."""
    told = [car for car in shown if car.title in (asked or '')]
    goes_on = _THIS.within(words) or ('?' in words.places and _FACETS.within(words))
    return (told[0],) if len(told) == 1 and goes_on else ()


def _meant(words: Words, shown: Sequence[ShownCar]) -> tuple[ShownCar, ...]:
    """Return the cars named by their place in the list or by their model."""
    by_model = [
        car
        for mention in find_vehicles(words)
        for car in shown
        if mention.vehicle.model and mention.vehicle.model.lower() in car.title.lower()
    ]
    places = [
        _ORDINALS.get(word.text) or (int(word.number) if word.number and word.number in range(1, 6) else 0)
        for word in words
    ]
    by_place = [shown[place - 1] for place in places if 0 < place <= len(shown)]
    return tuple(dict.fromkeys([*by_model, *by_place]))
