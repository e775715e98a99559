"""Simulated people, who hold a conversation with the agent: by a script that needs no model, or by a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from pydantic_ai import Agent
from pydantic_ai.models import Model

from agent_memory.evals._dialogues import Persona
from agent_memory.evals._transcript import Transcript

END = 'FIM'
"""What a user model writes when its person is done."""

_INSTRUCTIONS = """
Você é uma pessoa que escreve por WhatsApp com o atendimento de uma empresa. Escreva só a próxima mensagem dela, curta,
como se escreve no WhatsApp, sem explicar nada e sem falar pelo atendimento.

Quem é a pessoa: {persona}
O que ela sabe responder, e só quando perguntam: {answers}
Quando ela conseguiu o que queria ou desistiu, escreva só {end}.
""".strip()


class User(Protocol):
    """Somebody who writes to the agent."""

    async def say(self, so_far: Transcript) -> str | None:
        """Return the next message, or `None` when the conversation is over."""
        ...


@dataclass
class ScriptedUser:
    """A person who answers what is asked, always the same way."""

    persona: Persona
    asks: Callable[[str], frozenset[str]] | None
    """Returns the fields that a reply asks for; without it, a reply asks for a field when it names it."""
    _said: set[str] = field(default_factory=set[str], init=False)

    async def say(self, so_far: Transcript) -> str | None:
        number = len(so_far.turns) + 1
        if number == 1:
            return self.persona.opening
        if is_done(self.persona, so_far):
            return None
        return self.persona.later.get(number) or self._answer(' '.join(so_far.turns[-1].replies))

    def _answer(self, reply: str) -> str:
        asked = self.asks(reply) if self.asks else {name for name in self.persona.answers if name in reply.lower()}
        open_fields = [name for name in self.persona.answers if name in asked]
        fresh = [name for name in open_fields if name not in self._said]
        for name in (*fresh, *open_fields):
            self._said.add(name)
            return self.persona.answers[name]
        return self.persona.shrug


@dataclass
class ModelUser:
    """A person whose words a model finds."""

    persona: Persona
    model: str | Model

    async def say(self, so_far: Transcript) -> str | None:
        if not so_far.turns:
            return self.persona.opening
        if is_done(self.persona, so_far):
            return None
        known = '; '.join(f'{name}: {answer}' for name, answer in self.persona.answers.items())
        told = _INSTRUCTIONS.format(persona=self.persona.persona, answers=known, end=END)
        result = await Agent(self.model, instructions=told, name='simulated user').run(so_far.text())
        said = result.output.strip()
        return None if not said or said.rstrip('.!').endswith(END) else said.removeprefix('Person: ')


def is_done(persona: Persona, so_far: Transcript) -> bool:
    """Return whether the person has what they came for, or no patience left, or nobody who answers."""
    goals = [persona.goal] if isinstance(persona.goal, str) else persona.goal
    last = so_far.turns[-1]
    return len(so_far.turns) >= persona.patience or last.state in goals or not last.replies
