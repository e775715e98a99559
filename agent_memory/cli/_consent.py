"""Consent on WhatsApp: a reply with a text that asks for it carries buttons, so that the answer is one to that text."""

from __future__ import annotations

from collections.abc import Sequence

from agent_memory.agents import _replies as replies
from agent_memory.agents._consents import CONSENT_TEXTS
from agent_memory.codec import StoredReply
from agent_memory.tools import ConsentText
from agent_memory.whatsapp import ButtonsMessage, Fixed
from agent_memory.whatsapp._delivery import as_text
from agent_memory.whatsapp._outbound import MAX_BODY, Outbound, length, markup, texts

_GIVEN = {
    'service': f'{replies.CONSENT_GIVEN} Agora me conte: que carro você procura e quanto pretende gastar?',
    'sharing': f'{replies.CONSENT_GIVEN} {replies.CONSULTANT}',
}
_REFUSED = {
    'service': f'{replies.CONSENT_REFUSED} Não anoto nada sobre você. {replies.CONSULTANT}',
    'sharing': f'{replies.CONSENT_REFUSED} {replies.CONSULTANT}',
}
"""What follows a tap, by purpose: the conversation goes on where the question stood."""


def _button(text: ConsentText, word: str) -> str:
    return f'consent:{text.purpose}:{text.version}:{word}'


CHOICES = {
    _button(one, word): Fixed(answers.get(one.purpose, plain), (one.tapped(given=given),))
    for one in CONSENT_TEXTS
    for word, given, answers, plain in (
        ('yes', True, _GIVEN, replies.CONSENT_GIVEN),
        ('no', False, _REFUSED, replies.CONSENT_REFUSED),
    )
}
"""What a tap on either button of each text records and answers."""


def composed(reply: StoredReply) -> Sequence[Outbound]:
    """Return the messages of a reply; one that ends with a text of `CONSENT_TEXTS` gets its buttons."""
    said = (reply.text or '').rstrip()
    asked = next((one for one in reversed(CONSENT_TEXTS) if said.endswith(one.text)), None)
    if asked is None:
        return as_text(reply)
    buttons = {_button(asked, 'yes'): 'Sim', _button(asked, 'no'): 'Não'}
    if length(whole := markup(said)) <= MAX_BODY:
        return [ButtonsMessage(whole, buttons)]
    return [*texts(said.removesuffix(asked.text)), ButtonsMessage(asked.text, buttons)]
