"""What people are asked to consent to, in Brazilian Portuguese, and how their answers are read."""

from __future__ import annotations

from collections.abc import Sequence

from agent_memory.agents.portuguese._question import topics_of
from agent_memory.agents.portuguese._requests import consent
from agent_memory.agents.portuguese._text import read_words
from agent_memory.tools import ConsentRules, ConsentText

CONSENT_TEXTS = (
    ConsentText(
        'service',
        '2026-11',
        'Podemos usar os seus dados pessoais desta conversa para te ajudar a achar um carro? '
        'Você pode mudar de ideia quando quiser, é só avisar por aqui.',
    ),
    ConsentText(
        'sharing',
        '2026-11',
        'Podemos compartilhar os seus dados pessoais e o que você procura com a loja que vai te atender? '
        'Você pode mudar de ideia quando quiser, é só avisar por aqui.',
    ),
    ConsentText(
        'marketing',
        '2026-11',
        'Podemos usar os seus dados pessoais para te avisar por aqui quando chegar um carro do seu jeito? '
        'Você pode mudar de ideia quando quiser, é só avisar por aqui.',
    ),
)


def read_answer(shown: str, said: Sequence[str]) -> bool | None:
    """Return whether the person agreed to what they were shown, refused it, or said neither."""
    topics = topics_of(shown)
    answer = consent(read_words(list(said)), topics, question=bool(shown))
    # Who offers it unasked has not seen what they agree to.
    return answer if 'consent' in topics or not answer else None


LEAD_CONSENT = ConsentRules(CONSENT_TEXTS, read_answer)
