"""How the person means to pay."""

from __future__ import annotations

from agent_memory.agents.portuguese._changes import stated
from agent_memory.agents.portuguese._lexicon import Lexicon
from agent_memory.agents.portuguese._scene import Scene
from agent_memory.lead import Payment
from agent_memory.profile import Change

_PAYMENTS: Lexicon[Payment] = Lexicon(
    {
        Payment.CASH: 'a vista | avista | no pix | pix | em dinheiro | dinheiro vivo | cash | al contado | de uma '
        'vez | tudo de uma vez | no dinheiro',
        Payment.FINANCING: 'financiado | financiar | financio | financiando | financiamento | financia | parcelado | '
        'parcelar | parcelo | parcelando | financing | finance | a prazo | no boleto | carne | financiado | '
        'financiaria | loan | parcelinhas | credito | cdc',
        Payment.CONSORTIUM: 'consorcio | carta contemplada | carta de credito | carta de consorcio | consorcio '
        'contemplado',
    }
)
_OURS = Lexicon(
    {
        True: 'voces | financiam | sem entrada | aceita | aceitam | fazem | faz | trabalham | tem como | da para | '
        'quanto | como funciona | desconto | simula* | taxa | juros | posso'
    }
)
_NOT = frozenset({'nao', 'sem', 'nem', 'nunca'})


def extract_payment(scene: Scene) -> list[Change]:
    """Return the change of `payment`; a question about a way to pay is no choice of it."""
    hits = [
        hit
        for hit in _PAYMENTS.find(scene.words)
        if not any(word.text in _NOT for word in scene.words[max(0, hit.start - 3) : hit.start])
    ]
    asks = any(word.text == '?' for word in scene.words) and _OURS.within(scene.words)
    chosen = {hit.value for hit in hits}
    if len(chosen) != 1 or (asks and not scene.asks('payment')):
        return []
    return [stated(scene.profile, 'payment', chosen.pop().value)]
