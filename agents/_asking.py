"""When the offline model asks for a consent: each where its purpose comes into play.

What serves the person's own request is asked before anything is noted, the sharing before a consultant is offered, and
messages of one's own accord when they take their leave.
"""

from __future__ import annotations

from agent_memory.agents import _replies as replies
from agent_memory.agents._consents import LEAD_CONSENT
from agent_memory.agents._enquiries import THINKING
from agent_memory.agents._scene import Scene
from agent_memory.agents.portuguese import Understanding
from agent_memory.lead import SessionState

_FIRST = ('Antes de anotar qualquer coisa, preciso da sua resposta.', 'Só mais uma coisa antes de continuarmos.')
_OFFERS = (replies.COMPLETE, replies.CONSULTANT, replies.WHICH_ONE)
_LEAVES = (replies.GOODBYE, THINKING)


def with_consent(reply: str, heard: Understanding, scene: Scene) -> str:
    """Return `reply`, or what asks for the consent that its turn of the conversation needs."""
    if heard.rights or heard.erasure or heard.opt_out or heard.restart:
        return reply
    texts = [LEAD_CONSENT.text_for(purpose) for purpose in scene.standing.consent_to_ask]
    wanted = {one.purpose: one.text for one in texts if one}
    unasked = {purpose: text for purpose, text in wanted.items() if text not in scene.told}
    if heard.person or scene.standing.state == SessionState.HUMAN_HANDOFF:
        # Nobody reads an answer in words any more; under this text, that of its button counts.
        return f'{reply} {unasked["sharing"]}' if 'sharing' in unasked else reply
    if 'service' in wanted:
        opening = replies.GREETING if scene.asked is None else next(one for one in _FIRST if one not in scene.asked)
        return f'{opening} {wanted["service"]}'
    offer = next((one for one in _OFFERS if reply.endswith(one)), None)
    if offer and 'sharing' in unasked:
        return f'{reply.removesuffix(offer)}{unasked["sharing"]}'
    if reply.endswith(_LEAVES) and 'marketing' in unasked:
        return f'{reply} {unasked["marketing"]}'
    return reply
