"""The people around a buyer: what they have, did or pay says nothing of the buyer, unless the car is for them."""

from __future__ import annotations

from agent_memory.agents.portuguese._lexicon import Lexicon

KIN = (
    'pai/mae/irmao/irma/tio/tia/primo/prima/cunhado/cunhada/sogro/sogra/vizinho/vizinha/amigo/amiga/chefe/filho/filha/'
    'esposa/marido/mulher/namorado/namorada/noivo/noiva/avo/sobrinho/sobrinha/colega/patrao/genro/nora/padrinho/madrinha/'
    'compadre/comadre/parceiro/parceira/socio/socia/neto/neta/enteado/enteada/ex/padrasto/madrasta/afilhado/afilhada/'
    'pais/irmaos/tios/avos/sogros/parentes/esposo/companheiro/companheira/conjuge/papai/mamae/painho/mainha/vovo/titio/titia/'
    'cunhados/primos/filhos/filhas/netos/bisneto/bisneta/caseiro/inquilino'
)
"""Words for people, as one word of a phrase."""

FOR_THEM = Lexicon(
    {
        True: f'{KIN} quer/querem/precisa/procura/busca de? um/uma/comprar/outro/outra | e para meu/minha/o/a? {KIN} | para o/a? meu/minha {KIN} | carro e para | carro vai? ficar/fica com | presente para | presentear '
        f'meu/minha/o/a {KIN} | para ele/ela/eles/elas'
    }
)
"""The car is for somebody else, whose home and money count."""
FOR_THEM_IN = Lexicon({True: f'para o/a? meu/minha {KIN} la? em/de/no/na'})
"""Says right before a name where the one lives whom the car is for."""
