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
        True: 'ver opcoes/carros/algumas/as/os | quais opcoes/carros/modelos | mostra* | me manda/mande | manda fotos | sugest* | sugere | recomend* '
        '| indica* | tem algum/alguma/algo/alguns | o que tem/voces/voce/vcs | que carros | procura/procure .. para mim | mais opcoes | outras opcoes '
        '| outros carros | outro carro | no estoque | quais voces/tem | o que voces? tem/tem? | voces tem carro/carros | em estoque | quero ver | posso ver'
    }
)
_COMPARE = Lexicon({True: 'compar* | diferenca* | qual .. melhor | qual dos | qual deles | versus | vs'})
_DETAILS = Lexicon(
    {
        True: 'detalhe* | mais sobre | fala/fale/fala .. mais | me conta/conte | saber mais | gostei | interess* | esse/desse/deste/este/dele/dela | ficha '
        '| quanto custa/ta/esta/fica/sai | qual .. preco/valor | preco/valor do/da/desse/desta/dele | quantos km | foto/fotos do/da/desse | como e'
    }
)
_PRICE = Lexicon({True: 'quanto custa* | quanto e | quanto fica | quanto sai | preco* | valor do/da/desse/deles/dele'})
_TERMS = Lexicon(
    {
        True: 'desconto* | abaixa* | faz por | fazem por | negoci* | melhor/menor/ultimo preco | preco final | juros | taxa* | parcel* | financia* | garantia | entrega* | prazo | '
        'reserva* | test drive | disponivel | avaliar | avaliacao'
    }
)
_VISIT = Lexicon(
    {
        True: 'testar/dirigir ele/ela/esse/essa/este/esta | testar/dirigir o carro | quero testar ⏎ | posso testar ⏎/? | uma/minha/a/de/fazer/quero visita | visita/visitar/conhecer .. loja/voces/ai/carro/estoque | agendar | marcar .. horario/visita | ir ai | ir na loja | passar ai | passar na loja'
    }
)
OFFERS_VISIT = 'Quer marcar uma visita'
_THANKS = Lexicon({True: 'obrigad* | brigad* | valeu | vlw | agradecid* | agradeco'})
_BYE = Lexicon(
    {True: 'tchau | ate mais | ate logo | ate amanha | falou | era so isso | so isso | por hoje e so | nao quero mais'}
)
_UNSURE = Lexicon(
    {
        True: 'nao sei | sei la | nao faco ideia | nem ideia | tanto faz | ainda nao .. decidi/defini/pensei | nao tenho '
        'ideia/preferencia/certeza | nenhuma | qualquer um/uma | depende | sem preferencia | vejo depois | prefiro nao'
    }
)
Facet = Literal['color', 'km', 'price', 'gearbox', 'fuel', 'place', 'features']
_FACETS: Lexicon[Facet] = Lexicon(
    {
        'color': 'cor | cores',
        'km': 'km | quilometragem | rodou | rodado',
        'price': 'preco | valor | quanto custa/e/ta/esta/fica/sai',
        'gearbox': 'cambio | automatico | manual',
        'fuel': 'combustivel | flex | gasolina | diesel | alcool | etanol',
        'place': 'onde ele? fica/esta/ta | em que cidade | qual cidade',
        'features': 'opcionais | itens | multimidia | tem ar | ar condicionado | completo | direcao | airbag | abs',
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

    def says(lexicon: Lexicon[bool]) -> bool:
        return lexicon.within(words) is not None

    return Wishes(
        see=says(_SEE),
        compare=says(_COMPARE),
        details=says(_DETAILS),
        price=says(_PRICE),
        terms=says(_TERMS),
        visit=says(_VISIT) or (OFFERS_VISIT in (asked or '') and leading_answer(words) is True),
        thanks=says(_THANKS),
        bye=says(_BYE),
        unsure=says(_UNSURE),
        enquiries=read_enquiries(words),
        facet=_FACETS.within(words),
        cars=_meant(words, shown) or _in_play(words, shown, asked),
    )


def _in_play(words: Words, shown: Sequence[ShownCar], asked: str | None) -> tuple[ShownCar, ...]:
    """Return the car told of last, when the turn goes on about it: "qual a cor dele?"."""
    told = [car for car in shown if car.title in (asked or '')]
    return (told[0],) if len(told) == 1 and _THIS.within(words) else ()


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
