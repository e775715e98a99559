"""`SessionData`: one contact's open conversation, and the state machine that it moves through."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, ClassVar, Generic, Literal

import phonenumbers
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    PrivateAttr,
    field_validator,
)

from agent_memory.errors import ForbiddenTransition, InvalidContact, InvalidInput
from agent_memory.profile import ProfileT
from agent_memory.scoring import Scoring

MAX_TEXT = 4096
"""Most characters of one WhatsApp text message (Cloud API, messages reference)."""

_PHONE = re.compile(r'\+?[\d\s().-]{6,32}')
# CC. + at most 128 alphanumerics; CC.ENT. for a parent id (Cloud API, business-scoped user ids).
CONTACT_ID = re.compile(r'contact:([A-Za-z0-9_-]{22})')
"""A contact by the opaque id that a channel found for them."""
_BSUID = re.compile(r'[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}')

Role = Literal['user', 'assistant', 'system']
Request = Literal['person', 'opt_out', 'erasure', 'access', 'correction', 'portability', 'review']
"""What a person may ask of the business itself: a human, no more messages, and the rights over their own data."""
RIGHTS: frozenset[Request] = frozenset({'erasure', 'access', 'correction', 'portability', 'review'})
"""LGPD, art. 18 and 20. The business's ledger follows each: one that was settled may be asked for again."""


def utc(value: datetime) -> datetime:
    """Return an aware datetime in UTC."""
    return value.astimezone(UTC)


Stamp = Annotated[AwareDatetime, AfterValidator(utc)]


@lru_cache(maxsize=4096)
def normal_contact(value: str) -> str:
    """Return a phone number as E.164; a WhatsApp business-scoped user id or `contact:<id>` as it came.

    A number without `+` is read as Brazilian and must be one that exists: a number of another country that lost its
    `+` must not become somebody else in Brazil.

    Raises:
        InvalidContact: It is neither. The message does not repeat the input, which may be somebody's number.
    """
    text = value.strip()
    if _BSUID.fullmatch(text) or CONTACT_ID.fullmatch(text):
        return text
    if not _PHONE.fullmatch(text):
        raise InvalidContact(_BAD_CONTACT)
    try:
        number = phonenumbers.parse(text, 'BR')
    except phonenumbers.NumberParseException as error:
        raise InvalidContact(_BAD_CONTACT) from error
    accepts = phonenumbers.is_possible_number if text.startswith('+') else phonenumbers.is_valid_number
    if not accepts(number):
        raise InvalidContact(_BAD_CONTACT)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


_BAD_CONTACT = (
    'not a phone number or a WhatsApp user id; give the number with country and area code, such as +5511999999999, '
    'or an id such as BR.1350abc'
)


class Attachment(BaseModel):
    """A file that came with a message, to be fetched from the channel."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid', frozen=True)

    kind: Literal['image', 'video', 'audio', 'document', 'sticker']
    id: str
    mime_type: str | None = None
    sha256: str | None = None
    """Of the file, in base64."""


class Referral(BaseModel):
    """What led a person to the business, such as an advertisement that opens a chat. Ids only: no click, no person."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid', frozen=True)

    kind: str = Field(max_length=32)
    """`ad` or `post` on WhatsApp."""
    id: str | None = Field(default=None, max_length=256)
    """The channel's id of the advertisement or post."""


class Inbound(BaseModel):
    """One message of a contact, as the channel delivered it. The deps of an agent that uses `SessionMemory`."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid', frozen=True, hide_input_in_errors=True)

    contact: Annotated[str, AfterValidator(normal_contact)]
    """A phone number (kept as E.164), a WhatsApp business-scoped user id, or `contact:` and a contact's opaque id."""
    message_id: str = Field(min_length=1, max_length=512)
    """The channel's id of this message (`wamid...`). The same id is answered once."""
    text: str = Field(default='', max_length=MAX_TEXT)
    """What the person wrote; empty takes the prompt given to `agent.run`."""
    sent_at: Stamp = Field(default_factory=lambda: datetime.now(UTC))
    """When the person sent it, by the channel's clock. Messages are answered in this order."""
    choice: str | None = Field(default=None, max_length=256)
    """The id of the button or row that was tapped; `text` is its title."""
    attachment: Attachment | None = None
    referral: Referral | None = None
    """Where the person came from, on the first message after it."""


class ConversationMessage(BaseModel):
    """One line of the conversation."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid', frozen=True, hide_input_in_errors=True)

    role: Role
    content: str = Field(min_length=1)
    at: Stamp = Field(default_factory=lambda: datetime.now(UTC))

    @field_validator('content')
    @classmethod
    def _not_blank(cls, value: str) -> str:
        if not value.strip():
            raise ValueError('a message needs text')
        return value


class ConversationMemory(BaseModel):
    """What was said lately, and a summary of what came before."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid', hide_input_in_errors=True)

    messages: list[ConversationMessage] = Field(default_factory=list[ConversationMessage])
    summary: str = ''
    summarized: int = Field(default=-1, ge=-1)
    """The number of the last turn that the summary covers; -1 covers none. A colleague's first word is in turn 0."""

    def add_message(self, role: Role, content: str, *, at: datetime | None = None) -> ConversationMessage:
        """Append a message and return it.

        Raises:
            pydantic.ValidationError: The role is unknown, the content blank or the time without a zone.
        """
        message = ConversationMessage(role=role, content=content, at=at or datetime.now(UTC))
        self.messages.append(message)
        return message

    def get_recent_messages(self, n: int) -> list[ConversationMessage]:
        """Return the last `n` messages, oldest first."""
        return self.messages[-n:] if n > 0 else []


class Consent(BaseModel):
    """Whether the person agreed to have their data kept for this purpose, and when."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid', frozen=True, hide_input_in_errors=True)

    given: bool = False
    at: Stamp | None = None


class Spent(BaseModel):
    """What a conversation's models have cost so far."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid', frozen=True)

    tokens: int = Field(default=0, ge=0)
    """Input and output together."""
    cost: Decimal = Decimal(0)
    """In USD; a model without a known price adds nothing."""


class SessionData(BaseModel, Generic[ProfileT]):
    """One contact's open conversation: what it is about, where it stands, what is known of the person."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid', hide_input_in_errors=True)

    contact_id: str = Field(min_length=1)
    """The opaque id of the contact: a keyed hash, never the phone number."""
    started_at: Stamp
    state: str
    handoff_from: str | None = None
    """Where the conversation was when a person took it over."""
    handoff_withheld: str | None = None
    """The reason of a hand-over that said nothing of the person, who had not consented to share it."""
    turn: int = Field(default=0, ge=0)
    """Turns committed so far."""
    memory: ConversationMemory = Field(default_factory=ConversationMemory)
    profile: ProfileT
    recommendations: list[dict[str, JsonValue]] = Field(default_factory=list[dict[str, JsonValue]])
    consent: Consent = Consent()
    """For the service itself."""
    consents: dict[str, Consent] = Field(default_factory=dict[str, Consent])
    """For other purposes, such as `sharing` and `marketing`."""
    requests: list[Request] = Field(default_factory=list[Request])
    """What the person asked of the business and has not withdrawn."""
    not_understood: int = Field(default=0, ge=0)
    """How many of the last turns in a row were not understood."""
    spent: Spent = Spent()
    qualified_at: Stamp | None = None
    """When the score first reached the business's bar in this session."""
    updated_at: Stamp
    ttl: timedelta = timedelta(hours=24)
    """How long the session lives after its last turn."""
    forgotten: bool = False
    """Whether the person asked to start over, so that the next session knows nothing of this one's profile."""

    _version: int = PrivateAttr(default=0)

    @property
    def session_id(self) -> str:
        """`contact_id:started_at`, the time in milliseconds since 1970."""
        # Rounded, not cut: a float of seconds may lie just under its millisecond.
        return f'{self.contact_id}:{round(self.started_at.timestamp() * 1000)}'

    @property
    def created_at(self) -> datetime:
        return self.started_at

    def get_idempotency_key(self) -> str:
        """Return `session_id:turn`, which names one committed turn."""
        return f'{self.session_id}:{self.turn}'

    def increment_turn(self, *, at: datetime | None = None) -> int:
        """Count one more turn and return its number."""
        self.turn += 1
        self.updated_at = utc(at or datetime.now(UTC))
        return self.turn

    def add_message(self, role: Role, content: str, *, at: datetime | None = None) -> ConversationMessage:
        """Append a message to the memory and return it."""
        return self.memory.add_message(role, content, at=at)

    def give_consent(self, *, at: datetime | None = None) -> None:
        """Record that the person agreed."""
        self.consent = Consent(given=True, at=at or datetime.now(UTC))

    def consented(self, purpose: str) -> Consent:
        """Return what the person decided last about a purpose."""
        return self.consent if purpose == 'service' else self.consents.get(purpose, Consent())

    def record_consent(self, purpose: str, consent: Consent) -> None:
        """Keep what the person decided about a purpose."""
        if purpose == 'service':
            self.consent = consent
        else:
            self.consents = {**self.consents, purpose: consent}

    def is_expired(self, now: datetime | None = None) -> bool:
        """Return whether the session outlived its `ttl` since the last turn."""
        return (now or datetime.now(UTC)) - self.updated_at >= self.ttl


@dataclass(frozen=True)
class StateMachine:
    """The states of a conversation and the steps allowed between them, as one table."""

    initial: str
    transitions: Mapping[str, frozenset[str]]
    handoff: str | None = None
    """The state in which a person answers and the agent is silent."""

    def __post_init__(self) -> None:
        named = {self.initial, self.handoff or self.initial}.union(*self.transitions.values())
        if unknown := named - self.transitions.keys():
            raise InvalidInput(f'states without a line in the table of transitions: {", ".join(sorted(unknown))}')

    def check(self, current: str, target: str) -> None:
        """Raise `ForbiddenTransition` unless `target` may follow `current`. Staying is always allowed."""
        allowed = self.transitions.get(current, frozenset())
        if target != current and target not in allowed:
            raise ForbiddenTransition(current, target, allowed=allowed)

    def path(self, current: str, target: str) -> tuple[str, ...]:
        """Return the fewest steps from `current` to `target`, never through the hand-over; empty when there are none."""
        reached: dict[str, tuple[str, ...]] = {current: ()}
        for state in (queue := [current]):
            for step in sorted(self.transitions.get(state, frozenset()) - reached.keys() - {self.handoff}):
                reached[step] = (*reached[state], step)
                queue.append(step)
        return reached.get(target, ())

    def advance(self, session: SessionData[ProfileT], target: str) -> None:
        """Move `session` to `target`; entering the hand-over remembers where it came from.

        Raises:
            ForbiddenTransition: The table has no such step.
        """
        self.check(session.state, target)
        if target == self.handoff and session.state != target:
            session.handoff_from = session.state
        elif session.state == self.handoff and target != self.handoff:
            session.handoff_from = None
        session.state = target

    def hand_back(self, session: SessionData[ProfileT]) -> None:
        """Return from the hand-over to the state it came from.

        Raises:
            ForbiddenTransition: No person holds the conversation.
        """
        if session.state != self.handoff:
            allowed = self.transitions.get(session.state, frozenset())
            raise ForbiddenTransition(session.state, 'the state before the hand-over', allowed=allowed)
        session.state = session.handoff_from or self.initial
        session.handoff_from = None
        session.not_understood = 0

    def is_muted(self, session: SessionData[ProfileT]) -> bool:
        """Return whether a person holds the conversation, so that the agent says nothing."""
        return self.handoff is not None and session.state == self.handoff


LegalBasis = Literal['consent', 'contract', 'legitimate_interest', 'legal_duty']
"""LGPD, art. 7, I, V, IX and II. `contract` covers steps before a contract at the person's own request."""
LEGAL_BASIS: Mapping[str, LegalBasis] = {'service': 'contract', 'sharing': 'contract', 'marketing': 'consent'}


@dataclass(frozen=True)
class Domain(Generic[ProfileT]):
    """What one business decides: what is remembered, which states there are, how a contact is scored."""

    profile: type[ProfileT]
    states: StateMachine
    score: Scoring[ProfileT] | None = None
    completeness: Scoring[ProfileT] | None = None
    qualified_at: float | None = None
    """The score from which a contact counts as qualified."""
    carry_over: frozenset[str] = frozenset()
    """The profile fields that a returning contact's new session starts with."""
    progress: Callable[[SessionData[ProfileT]], str | None] = field(default=lambda _: None)
    """The state that a session moves to by itself after a turn; `None` stays."""
    escalate: Callable[[SessionData[ProfileT]], str | None] = field(default=lambda _: None)
    """Why a person must take over, or `None`. The conversation is handed over in the turn that makes a reason arise."""
    ttl: timedelta = timedelta(hours=24)
    apology: str = 'Sorry, something went wrong on our side. Please write again.'
    """What a contact is told when a message is given up after its last attempt."""

    legal_basis: Mapping[str, LegalBasis] = field(default_factory=lambda: LEGAL_BASIS)
    """What the use of personal data rests on, by purpose; a purpose that is not here needs consent."""

    def __post_init__(self) -> None:
        scorings = [scoring for scoring in (self.score, self.completeness) if scoring]
        read = {name for scoring in scorings for rule in scoring.rules for name in rule.fields}
        unknown = (read - self.profile.model_fields.keys()) | (self.carry_over - set(self.profile.settable()))
        if unknown:
            raise InvalidInput(f'not fields of {self.profile.__name__}: {", ".join(sorted(unknown))}')

    def permits(self, session: SessionData[ProfileT], purpose: str) -> bool:
        """Return whether the person's data may be used for a purpose: by consent where that is what it rests on.

        Who asked for no more messages is sent no marketing, whatever it rests on.
        """
        if purpose == 'marketing' and 'opt_out' in session.requests:
            return False
        return self.legal_basis.get(purpose, 'consent') != 'consent' or session.consented(purpose).given

    def open_session(
        self, contact_id: str, *, at: datetime, previous: SessionData[ProfileT] | None = None
    ) -> SessionData[ProfileT]:
        """Return a new session, which knows of `previous` what the domain carries over."""
        profile = self.profile()
        consent, consents = Consent(), dict[str, Consent]()
        requests: list[Request] = []
        if previous is not None:
            consent, consents = previous.consent, previous.consents
            requests = [request for request in previous.requests if request != 'person']
        if previous is not None and not previous.forgotten:
            kept = {name: getattr(previous.profile, name) for name in self.carry_over}
            sources = {name: source for name, source in previous.profile.provenance.items() if name in self.carry_over}
            profile = profile.model_copy(update={**kept, 'provenance': sources})
        return SessionData[self.profile](
            contact_id=contact_id,
            started_at=at,
            updated_at=at,
            state=self.states.initial,
            profile=profile,
            consent=consent,
            consents=consents,
            requests=requests,
            ttl=self.ttl,
        )
