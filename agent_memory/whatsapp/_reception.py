"""What is answered without a model: asking to be left alone, asking to be written to again, buttons, rights."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from agent_memory.session import Inbound, SessionData
from agent_memory.turn import Action, Ask

OPT_OUT: frozenset[str] = frozenset({'parar', 'pare', 'sair', 'cancelar', 'stop', 'descadastrar', 'remover'})
OPT_IN: frozenset[str] = frozenset({'voltar', 'retornar', 'start', 'ativar', 'quero receber', 'reativar'})


@dataclass(frozen=True)
class Fixed:
    """An answer that needs no model."""

    reply: str | None
    """`None` says nothing."""
    actions: tuple[Action, ...] = ()


SILENCE = Fixed(None)
Claims = Callable[[Sequence[str], SessionData[Any]], Fixed | None]
"""Returns the answer to the texts of a burst that claim a right over the person's data."""


@dataclass(frozen=True)
class Wording:
    """What people read that no agent wrote, in their language."""

    opted_out: str
    """Confirms once that no message will come again, and says how to come back."""
    opted_in: str
    ask_for_text: str
    """Answers a voice message that nobody can listen to."""


@dataclass(frozen=True)
class Reception:
    """Decides which turns need an agent."""

    wording: Wording
    choices: Mapping[str, Fixed] = field(default_factory=dict[str, Fixed])
    """What tapping a button answers, by the button's id, such as the consent to keep data."""
    claims: Claims = lambda texts, session: None
    """Reads rights where no agent does: after an opt-out, and while a person of the business answers."""
    opt_out: frozenset[str] = OPT_OUT
    """Whole messages, in lower case without accents and punctuation."""
    opt_in: frozenset[str] = OPT_IN
    stale: timedelta = timedelta(minutes=10)
    """Messages older than this share one answer."""
    too_old: timedelta = timedelta(hours=23)
    """Messages older than this are only kept: the service window is closing."""

    def flushes(self, text: str, choice: str | None) -> bool:
        """Return whether a message ends its burst at once."""
        return choice is not None or bool(self.opt_out.union(self.opt_in).intersection({plain(text)}))

    def fixed(self, inbounds: Sequence[Inbound], session: SessionData[Any], *, muted: bool) -> Fixed | None:
        """Return the answer to a burst that needs no model, or `None`.

        Args:
            inbounds: The burst.
            session: Whose.
            muted: Whether a person of the business answers, so that no agent reads it.
        """
        opted_out = 'opt_out' in session.requests
        match self._wish(inbounds, opted_out=opted_out):
            case 'out':
                return Fixed(None if opted_out else self.wording.opted_out, (Ask(request='opt_out'),))
            case 'in':
                return Fixed(self.wording.opted_in, (Ask(request='opt_out', withdrawn=True),))
            case _:
                tapped = self._tapped(inbounds)
                # What was written beside a button wants an answer of its own.
                if tapped and (opted_out or muted or len(tapped) == len(inbounds)):
                    return Fixed(None if opted_out else tapped[-1].reply, self.tapped(inbounds))
                claimed = self.claims([one.text for one in inbounds], session) if opted_out or muted else None
                return claimed or (SILENCE if opted_out else None)

    def tapped(self, inbounds: Sequence[Inbound]) -> tuple[Action, ...]:
        """Return what the buttons that were tapped in a burst decide, in order."""
        return tuple(action for fixed in self._tapped(inbounds) for action in fixed.actions)

    def _tapped(self, inbounds: Sequence[Inbound]) -> list[Fixed]:
        return [fixed for one in inbounds if (fixed := self.choices.get(one.choice or ''))]

    def _wish(self, inbounds: Sequence[Inbound], *, opted_out: bool) -> Literal['out', 'in'] | None:
        """Return what the last word of the burst on this was. Coming back is a wish only of who had left."""
        wish: Literal['out', 'in'] | None = None
        for inbound in inbounds:
            words = plain(inbound.text)
            if words in self.opt_out:
                wish = 'out'
            elif words in self.opt_in and (opted_out or wish == 'out'):
                wish = 'in'
        return wish


def plain(text: str) -> str:
    """Return a text in lower case without accents, punctuation and doubled spaces."""
    letters = unicodedata.normalize('NFD', text.casefold())
    kept = (letter if letter.isalnum() else ' ' for letter in letters if not unicodedata.combining(letter))
    return ' '.join(''.join(kept).split())
