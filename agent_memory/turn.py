"""What happens in one turn: the actions that tools ask for, their pure fold, and the record that is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Generic, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from agent_memory.errors import InvalidInput
from agent_memory.profile import Change, Fact, ProfileT
from agent_memory.session import (
    RIGHTS,
    Consent,
    ConversationMessage,
    Domain,
    Referral,
    Request,
    Role,
    SessionData,
    Spent,
)

ACTIONS = 'agent_memory.actions'
"""The key of `ToolReturn.metadata` under which a tool leaves its actions."""


EVERYTHING = '*'
"""The purpose of a revocation that names none."""


class _Action(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid', frozen=True, hide_input_in_errors=True)


class PatchProfile(_Action):
    """Change the profile; the changes of one patch are validated together."""

    kind: Literal['patch_profile'] = 'patch_profile'
    changes: list[Change]


class Advance(_Action):
    """Move the conversation to another state."""

    kind: Literal['advance'] = 'advance'
    to: str


class HandOver(_Action):
    """Give the conversation to a person."""

    kind: Literal['hand_over'] = 'hand_over'
    reason: str


class HandBack(_Action):
    """Give the conversation back to the agent."""

    kind: Literal['hand_back'] = 'hand_back'


class NotUnderstood(_Action):
    """Record that the person's words made no sense to the agent."""

    kind: Literal['not_understood'] = 'not_understood'


class AnswerConsent(_Action):
    """Record the person's answer to a consent text."""

    kind: Literal['answer_consent'] = 'answer_consent'
    given: bool
    purpose: str = 'service'
    text: str | None = None
    """What the person was shown and answered."""
    version: str | None = None
    """Of the text that the business asks this with."""
    sha256: str | None = None
    """Of that text, or of all that was shown."""
    channel: str = 'message'
    """`message` for words, `button` for a tap."""


class Ask(_Action):
    """Record what the person asks of the business, or that they take it back."""

    kind: Literal['ask'] = 'ask'
    request: Request
    withdrawn: bool = False


class Recommend(_Action):
    """Replace the current recommendations."""

    kind: Literal['recommend'] = 'recommend'
    items: list[dict[str, JsonValue]]


class Summarize(_Action):
    """Replace the summary of what was said up to a turn."""

    kind: Literal['summarize'] = 'summarize'
    summary: str
    upto: int


class Restart(_Action):
    """End this session after the turn; the next message opens a new one that knows nothing."""

    kind: Literal['restart'] = 'restart'


Action = Annotated[
    PatchProfile
    | Advance
    | HandOver
    | HandBack
    | NotUnderstood
    | AnswerConsent
    | Ask
    | Recommend
    | Summarize
    | Restart,
    Field(discriminator='kind'),
]
ActionList: TypeAdapter[list[Action]] = TypeAdapter(list[Action])


def _none() -> list[Any]:
    # `list[Fact]` as a factory takes ten times as long.
    return []


class Event(BaseModel):
    """Something that happened to a session beside its facts, as committed and archived."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid', frozen=True, hide_input_in_errors=True)

    kind: Literal['state', 'handoff', 'handback', 'consent', 'request', 'qualified', 'restart', 'refused', 'undecided']
    at: AwareDatetime
    message: str | None = None
    data: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])


class UserMessage(BaseModel):
    """One message that a turn answered."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid', frozen=True, hide_input_in_errors=True)

    id: str
    text: str
    at: AwareDatetime
    referral: Referral | None = None


class TurnRecord(BaseModel):
    """One committed turn in neutral fields, beside a cache of the framework's own messages."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='ignore', frozen=True, hide_input_in_errors=True)

    format: Literal[1] = 1
    turn: int
    at: AwareDatetime
    messages: list[UserMessage] = Field(default_factory=_none)
    reply: str | None = None
    """What was said to the person; `None` when nothing was, such as while a person holds the conversation."""
    said: list[ConversationMessage] = Field(default_factory=_none)
    """Further lines, such as an operator's, in order after the reply."""
    state: str
    score: float | None = None
    completeness: float | None = None
    facts: list[Fact] = Field(default_factory=_none)
    carried: list[Fact] = Field(default_factory=_none)
    """In the first turn of a session: what it knew before, from the contact's session before it."""
    events: list[Event] = Field(default_factory=_none)
    asked: list[str] = Field(default_factory=_none)
    """The profile fields that the reply asks for."""
    model: str | None = None
    run_id: str | None = None
    usage: dict[str, int] = Field(default_factory=dict[str, int])
    cost: str | None = None
    """In USD, as a decimal number; `None` when the price is unknown."""
    degraded: bool = False
    """Whether a simpler model answered in place of the one that was asked."""
    duration_ms: int | None = None
    cache_version: str | None = None
    """The framework and version that wrote `cache`."""
    cache: str | None = None
    """The framework's messages of this turn as JSON; `None` when the neutral fields say all."""

    def added_to(self, spent: Spent) -> Spent:
        """Return `spent` with what this turn cost."""
        tokens = self.usage.get('input_tokens', 0) + self.usage.get('output_tokens', 0)
        return Spent(tokens=spent.tokens + tokens, cost=spent.cost + Decimal(self.cost or 0))

    def lines(self) -> list[ConversationMessage]:
        """Return what was said in this turn, oldest first."""
        return [ConversationMessage(role=role, content=content, at=at) for role, content, at in self.spoken()]

    def spoken(self) -> Iterator[tuple[Role, str, datetime]]:
        """Return role, text and time of its `lines`, which are more to make."""
        for one in self.messages:
            if one.text.strip():
                yield 'user', one.text, one.at
        if self.reply and self.reply.strip():
            yield 'assistant', self.reply, self.at
        for line in self.said:
            yield line.role, line.content, line.at


@dataclass(frozen=True)
class Folded(Generic[ProfileT]):
    """A session after a turn's actions, and what they made of it."""

    session: SessionData[ProfileT]
    facts: tuple[Fact, ...]
    events: tuple[Event, ...]
    restarts: bool


def fold(
    session: SessionData[ProfileT],
    actions: Iterable[Action],
    domain: Domain[ProfileT],
    *,
    message: str | None,
    at: datetime,
) -> Folded[ProfileT]:
    """Apply a turn's actions in order, without touching `session`.

    The same actions give the same result wherever they are folded, so parallel tool calls lose nothing. An action that
    an earlier one made impossible is left out and reported as a `refused` event.
    """
    working = _Fold(session.model_copy(deep=False), domain, message, at)
    working.session.not_understood = 0
    for action in actions:
        try:
            working.apply(action)
        except InvalidInput as error:
            working.note('refused', action=action.kind, reason=str(error))
    if (reason := domain.escalate(working.session)) and not domain.escalate(session):
        working.apply(HandOver(reason=reason))
    return Folded(working.session, tuple(working.facts), tuple(working.events), working.restarts)


class _Fold(Generic[ProfileT]):
    def __init__(
        self, session: SessionData[ProfileT], domain: Domain[ProfileT], message: str | None, at: datetime
    ) -> None:
        self.session = session
        self.facts: list[Fact] = []
        self.events: list[Event] = []
        self.restarts = False
        self._before = session.not_understood
        self._domain = domain
        self._message = message
        self._at = at

    def note(self, kind: Any, **data: JsonValue) -> None:
        self.events.append(Event(kind=kind, at=self._at, message=self._message, data=data))

    def apply(self, action: Action) -> None:
        match action:
            case PatchProfile():
                if not self._domain.permits(self.session, 'service'):
                    raise InvalidInput('the person has not agreed that anything is kept of them')
                patched = self.session.profile.patch(action.changes, message=self._message, at=self._at)
                self.session.profile = patched.profile
                self.facts.extend(patched.facts)
            case Advance():
                self._move(action.to)
            case HandOver():
                self._hand_over(action.reason)
            case HandBack():
                self._domain.states.hand_back(self.session)
                self.note('handback', state=self.session.state)
            case NotUnderstood():
                self.session.not_understood = self._before + 1
                self.note('undecided', in_a_row=self.session.not_understood)
            case AnswerConsent() | Ask() | Recommend() | Summarize():
                self._write_down(action)
            case Restart():
                self.restarts = True
                self.note('restart')

    def _write_down(self, action: AnswerConsent | Ask | Recommend | Summarize) -> None:
        match action:
            case AnswerConsent():
                self._consent(action)
            case Ask():
                self._ask(action)
            case Recommend():
                self.session.recommendations = action.items
            case Summarize():
                told = {'summary': action.summary, 'summarized': action.upto}
                self.session.memory = self.session.memory.model_copy(update=told)

    def _consent(self, action: AnswerConsent) -> None:
        if action.given and not action.text:
            raise InvalidInput('nobody agrees to a text that was not shown')
        if action.purpose == EVERYTHING:
            held = [purpose for purpose, one in self.session.consents.items() if one.given]
            for purpose in ('service', *held):
                self._consent(action.model_copy(update={'purpose': purpose}))
            return
        had = self.session.consented(action.purpose).given
        self.session.record_consent(action.purpose, Consent(given=action.given, at=self._at))
        done = 'given' if action.given else 'revoked' if had else 'refused'
        told = {'purpose': action.purpose, 'version': action.version, 'sha256': action.sha256, 'text': action.text}
        known = {name: value for name, value in told.items() if value is not None}
        self.note('consent', given=action.given, action=done, channel=action.channel, **known)

    def _move(self, target: str) -> None:
        before = self.session.state
        self._domain.states.advance(self.session, target)
        if before != target:
            self.note('state', before=before, after=target)

    def _hand_over(self, reason: str) -> None:
        if self._domain.states.handoff is None:
            raise InvalidInput('this domain has no state in which a person answers')
        if not self._domain.states.is_muted(self.session):
            self._move(self._domain.states.handoff)
            self.note('handoff', reason=reason)

    def _ask(self, action: Ask) -> None:
        known = action.request in self.session.requests
        if action.withdrawn and known:
            self.session.requests = [request for request in self.session.requests if request != action.request]
        elif not action.withdrawn and not known:
            self.session.requests = [*self.session.requests, action.request]
        elif action.withdrawn or action.request not in RIGHTS:
            return
        self.note('request', request=action.request, withdrawn=action.withdrawn)
