"""The files that suites are written in: dialogues with gold after every turn, and utterances of one turn."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from agent_memory.errors import InvalidInput
from agent_memory.profile import describe

Flag = Literal['consent_given', 'wants_human', 'opt_out', 'erase_request']
FLAGS: tuple[Flag, ...] = ('consent_given', 'wants_human', 'opt_out', 'erase_request')
_FLAG_OF: dict[str, Flag] = {
    'consent': 'consent_given',
    'person': 'wants_human',
    'opt_out': 'opt_out',
    'erasure': 'erase_request',
}


class _Part(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid', frozen=True)


class Gold(_Part):
    """What must be true after a turn. What is not given is not judged, except that facts and flags stay as they were."""

    profile: dict[str, JsonValue] | None = Field(default=None, description='All that is known; other fields are empty.')
    changes: dict[str, JsonValue] = Field(
        default_factory=dict[str, JsonValue], description='What differs from the turn before; null empties a field.'
    )
    flags: dict[Flag, bool] = Field(default_factory=dict[Flag, bool], description='Flags named here; others stay.')
    state: str | list[str] | None = Field(default=None, description='The state, or those that are accepted.')
    events: list[str] = Field(default_factory=list[str], description='Kinds of events that this turn must bring.')
    silent: bool = Field(default=False, description='Nothing may be said, as while a person has the conversation.')
    says: list[str] = Field(default_factory=list[str], description='Patterns that the reply must match, each.')
    avoids: list[str] = Field(default_factory=list[str], description='Patterns that the reply must not match.')


class DialogueTurn(_Part):
    """What happens before a person writes, what they write, and what must be true afterwards."""

    turn: int | None = Field(default=None, ge=1, description='Its number, for readers.')
    agent: str | None = Field(
        default=None, description="The agent's line just before, put in the place of its own; takes a mute off."
    )
    wait: timedelta | None = Field(default=None, description='Time that passes before, such as PT30H.')
    restart: bool = Field(default=False, description='The worker is replaced before: nothing is left but the store.')
    hand_back: bool = Field(default=False, description='The person who took over hands back before.')
    messages: list[str] = Field(min_length=1, description='What the person writes; more than one is a burst.')
    arrive: list[int] | None = Field(default=None, description='The order in which the messages arrive, from 1.')
    copies: int = Field(default=1, ge=1, le=10, description='How often each message arrives before it is answered.')
    redeliver: int = Field(default=0, ge=0, le=10, description='How often each arrives again after the answer.')
    dies: bool = Field(default=False, description='A worker takes the turn and dies; another one answers it.')
    gold: Gold | None = None
    alt: dict[str, list[JsonValue]] = Field(
        default_factory=dict[str, list[JsonValue]], description='Further accepted values of a field, each whole.'
    )
    flags_alt: dict[Flag, list[bool]] = Field(default_factory=dict[Flag, list[bool]])

    @model_validator(mode='after')
    def _arrives_whole(self) -> DialogueTurn:
        if self.arrive is not None and sorted(self.arrive) != list(range(1, len(self.messages) + 1)):
            raise ValueError(f'arrive must name each of the messages 1 to {len(self.messages)} once')
        return self


class Persona(_Part):
    """A simulated person: what they want, how they answer and when they give up."""

    persona: str = Field(description='Who they are and how they write, for a user model.')
    opening: str = Field(description='Their first message.')
    answers: dict[str, str] = Field(description='What they say when they are asked for a field, by field.')
    later: dict[int, str] = Field(
        default_factory=dict[int, str], description='What they say instead at a turn, such as a correction.'
    )
    shrug: str = Field(default='tanto faz', description='What they say to any other question.')
    patience: int = Field(default=12, ge=1, le=40, description='Most turns.')
    goal: str | list[str] = Field(description='The state in which they have what they came for.')


class Dialogue(_Part):
    """One conversation, either written down turn by turn or held by a simulated person."""

    id: str = Field(min_length=1, pattern=r'^[\w.-]+$')
    lang: str = 'pt-BR'
    tags: list[str] = Field(default_factory=list[str])
    checks: list[str] = Field(default_factory=list[str], description='What it is about, for readers and judges.')
    note: str | None = None
    reference_date: date | None = Field(default=None, description="Its day; the file's by default.")
    prior: dict[str, JsonValue] = Field(
        default_factory=dict[str, JsonValue], description='What the profile holds before the first turn.'
    )
    turns: list[DialogueTurn] = Field(default_factory=list[DialogueTurn])
    user: Persona | None = None
    gold: Gold | None = Field(default=None, description='What must be true at the end of a simulated conversation.')
    avoids: list[str] = Field(default_factory=list[str], description='Patterns that no reply may match.')

    @model_validator(mode='after')
    def _has_somebody_who_talks(self) -> Dialogue:
        if bool(self.turns) == bool(self.user):
            raise ValueError('a dialogue has either turns or a user')
        return self

    @property
    def is_scripted(self) -> bool:
        """Whether the agent's lines are put in the place of its own, so that those say nothing of the conversation."""
        return any(turn.agent for turn in self.turns)


class Utterance(_Part):
    """One turn: what is said, in the light of what was asked and known, and what follows from it."""

    id: str = Field(min_length=1, pattern=r'^[\w.-]+$')
    tags: list[str] = Field(default_factory=list[str])
    note: str | None = None
    asked: str | None = Field(default=None, description="The agent's line just before.")
    prior: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    say: str | list[str]
    profile: dict[str, JsonValue] = Field(description='All that is known after it.')
    consent: bool | None = None
    person: bool | None = None
    opt_out: bool | None = None
    erasure: bool | None = None
    restart: bool = False
    choice: int | None = Field(default=None, description='The option that was picked, from 1.')
    greeting: bool | None = None
    understood: bool | None = None
    alt: dict[str, list[JsonValue]] = Field(default_factory=dict[str, list[JsonValue]])

    def dialogue(self) -> Dialogue:
        """Return it as a conversation of one turn."""
        flags: dict[Flag, bool] = {flag: getattr(self, name) is True for name, flag in _FLAG_OF.items()}
        also: dict[Flag, list[bool]] = {
            flag: [value is True for value in self.alt[name]] for name, flag in _FLAG_OF.items() if name in self.alt
        }
        turn = DialogueTurn(
            agent=self.asked,
            messages=[self.say] if isinstance(self.say, str) else self.say,
            gold=Gold(profile=self.profile, flags=flags, events=['restart'] if self.restart else []),
            alt={name: values for name, values in self.alt.items() if name not in _FLAG_OF},
            flags_alt=also,
        )
        return Dialogue(id=self.id, tags=self.tags, note=self.note, prior=self.prior, turns=[turn])


class DialogueFile(_Part):
    """A suite in a file."""

    version: Literal[1] = 1
    split: Literal['dev', 'held-out'] | None = Field(
        default=None,
        description='Whether these were tuned on (`dev`) or not (`held-out`): of the latter only the scores are shown.',
    )
    about: str | None = Field(default=None, description='What the suite is for, in one sentence.')
    reference_date: date | None = Field(default=None, description='The day on which everything takes place.')
    slots: list[str] | None = Field(default=None, description='The profile fields that are judged.')
    dialogues: list[Dialogue] = Field(default_factory=list[Dialogue])
    utterances: list[Utterance] = Field(default_factory=list[Utterance])

    @model_validator(mode='after')
    def _names_each_once(self) -> DialogueFile:
        names = [one.id for one in (*self.dialogues, *self.utterances)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f'ids that are used twice: {", ".join(twice)}')
        if not names:
            raise ValueError('neither dialogues nor utterances')
        return self

    def all_dialogues(self) -> list[Dialogue]:
        """Return every conversation of the file, each on its day."""
        found = [*self.dialogues, *(utterance.dialogue() for utterance in self.utterances)]
        return [one.model_copy(update={'reference_date': one.reference_date or self.reference_date}) for one in found]


def read_file(path: Path) -> DialogueFile:
    """Return the suite of a YAML file.

    Raises:
        InvalidInput: The file is missing, is not YAML, or breaks the format; says where.
    """
    try:
        return DialogueFile.model_validate(yaml.load(path.read_text(encoding='utf-8'), Loader=_loader()))  # noqa: S506 - a safe loader
    except OSError as error:
        raise InvalidInput(f'{path} cannot be read ({error.strerror})') from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        place = getattr(error, 'problem_mark', None)
        where = f', line {place.line + 1}' if place else ''
        raise InvalidInput(f'{path} is not YAML{where}: {getattr(error, "problem", error)}') from error
    except ValidationError as error:
        raise InvalidInput(f'{path} is not a suite: {describe(error)}') from error


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of a suite's file, for editors."""
    return {'$schema': 'https://json-schema.org/draft/2020-12/schema', **DialogueFile.model_json_schema()}


def _loader() -> Any:
    # Written in C where libyaml is there: the large suites take seconds without.
    return getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
