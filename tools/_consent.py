"""Whether a person agreed: their own answer to a text that they were really shown, never what a model says of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_ai import RunContext

from agent_memory.session import Domain, SessionData
from agent_memory.tools._actions import MEMORY_ID
from agent_memory.turn import EVERYTHING, AnswerConsent

CONSENT_RECORDED = 'recorded'
"""What `answer_consent` says when the answer counts."""
SERVICE = 'service'
"""The purpose of a consent that names none: to serve the person at their own request."""


@dataclass(frozen=True)
class ConsentText:
    """What a person is asked, word by word. A changed text is a new version."""

    purpose: str
    version: str
    text: str

    @property
    def sha256(self) -> str:
        return _digest(self.text)

    def tapped(self, *, given: bool) -> AnswerConsent:
        """Return what a tap on a button under this text records."""
        return AnswerConsent(
            given=given,
            purpose=self.purpose,
            text=self.text,
            version=self.version,
            sha256=self.sha256,
            channel='button',
        )

    def is_in(self, shown: str) -> bool:
        """Return whether this text was shown, whatever came before it and after it."""
        return _plain(self.text) in _plain(shown)


ConsentReader = Callable[[str, Sequence[str]], bool | None]
"""Reads what was shown and what the person wrote: `True` when that agrees, `False` when it refuses, else `None`."""

_ASKS = re.compile(r'\b(dados|datos|data|consent\w*|lgpd|gdpr|privac\w*)\b[^?]*\?', re.IGNORECASE)
_YES = re.compile(r'\s*(sim|yes|si|claro|aceito|concordo|autorizo|pode( sim)?|ok|i agree)\b[^?]*', re.IGNORECASE)
_NO = re.compile(r'\b(n[aã]o|no|nunca|never|mas|but)\b', re.IGNORECASE)


def plain_answer(shown: str, said: Sequence[str]) -> bool | None:
    """Read the plainest answers only: a yes that asks nothing and takes nothing back, to a question about data."""
    if not _ASKS.search(shown):
        return None
    if any(_NO.search(text) for text in said):
        return False
    return True if said and _YES.fullmatch(said[0]) else None


@dataclass(frozen=True)
class ConsentRules:
    """How consent is asked for and read."""

    texts: tuple[ConsentText, ...] = ()
    """What is asked for each purpose. Without a text for it a purpose other than `service` cannot be consented to."""
    read: ConsentReader = plain_answer

    def text_for(self, purpose: str) -> ConsentText | None:
        """Return the newest text of a purpose."""
        return next((one for one in reversed(self.texts) if one.purpose == purpose), None)

    def wanted(self, session: SessionData[Any], domain: Domain[Any]) -> list[str]:
        """Return the purposes that rest on a consent which this person has neither given nor refused."""
        if 'opt_out' in session.requests:
            return []
        asked = dict.fromkeys(one.purpose for one in self.texts)
        return [
            purpose
            for purpose in asked
            if domain.legal_basis.get(purpose, 'consent') == 'consent' and session.consented(purpose).at is None
        ]

    def judge(self, shown: str | None, said: Sequence[str], *, given: bool, purpose: str) -> AnswerConsent | str:
        """Return the consent to record, or why there is none.

        A refusal and a revocation need no text: they are free and easy (LGPD, art. 8, §5).
        """
        asked = [one for one in self.texts if shown and one.is_in(shown)]
        if purpose == SERVICE and asked:
            # What was asked says what was answered.
            purpose = asked[-1].purpose
        matched = next((one for one in reversed(asked) if one.purpose == purpose), None)
        if given and shown is None:
            return 'no text asked for consent yet, so there is no answer to it; show it first'
        if given and matched is None and purpose != SERVICE:
            return f'the text for {purpose} was not shown in your last message, so nobody agreed to it'
        if given and self.read(shown or '', said) is not True:
            return 'the person did not agree to what they were shown last; ask, and record only what they answer'
        return AnswerConsent(
            given=given,
            # Taken back without a question: everything that was agreed to.
            purpose=purpose if given or matched or purpose != SERVICE else EVERYTHING,
            text=shown if given or matched else None,
            version=matched.version if matched else None,
            sha256=matched.sha256 if matched else _digest(shown) if shown and given else None,
        )


def shown_and_said(ctx: RunContext[Any]) -> tuple[str | None, tuple[str, ...]]:
    """Return what was committed as the last reply to this person, and what they wrote since.

    Read from the turn, not from the run: what a model wrote and nobody sent, or a tool or a validator said, is neither.
    """
    memory: Any = (ctx.capabilities or {}).get(MEMORY_ID)
    return memory.shown_and_said() if memory is not None else (None, ())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(text: str) -> str:
    return ' '.join(text.casefold().split())
