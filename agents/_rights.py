"""What a person is told who claims a right over their data: at once what is known, the rest by when it is due.

LGPD, art. 18 and 20; art. 19 asks for a simple answer at once and a complete one in 15 days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from agent_memory.agents import _replies as replies
from agent_memory.agents.portuguese import understand
from agent_memory.agents.portuguese._rights import Right
from agent_memory.lead import UserProfileData
from agent_memory.session import Request

_ANSWERS: dict[Right, str] = {
    'access': 'Registrei o seu pedido: em até 15 dias você recebe a relação completa dos seus dados, para que são usados e com '
    'quem são compartilhados.',
    'correction': 'Me diga por aqui qual dado está errado e como é o certo, que eu corrijo. Registrei também o seu pedido, '
    'que tem resposta em até 15 dias.',
    'portability': 'Registrei o seu pedido: em até 15 dias você recebe os seus dados em um arquivo que outros sistemas leem.',
    'review': 'Registrei o seu pedido: em até 15 dias uma pessoa da nossa equipe revê como você foi avaliado e te explica os '
    'critérios.',
}


@dataclass(frozen=True)
class Claims:
    """Rights that were claimed, and what is said to that."""

    requests: tuple[Request, ...]
    reply: str


def read_claims(texts: Sequence[str], profile: UserProfileData) -> Claims | None:
    """Return the rights that a burst claims, for where no agent reads it; `None` when it claims none."""
    heard = understand(texts, profile=profile, today=datetime.now(UTC).date())
    if heard.erasure:
        return Claims(('erasure',), replies.ERASURE)
    return Claims(heard.rights, answer_rights(heard.rights, profile)) if heard.rights else None


def answer_rights(rights: Sequence[Right], profile: UserProfileData) -> str:
    """Return what is said to who claims `rights`: to access, with what the profile holds."""
    said = [_ANSWERS[right] for right in rights]
    if 'access' in rights:
        known = replies.known(profile)
        said.insert(
            0,
            f'Hoje guardamos de você {f"esta conversa e o que anotei dela: {known}" if known else "só esta conversa"}.',
        )
    return ' '.join(said)
