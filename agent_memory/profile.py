"""`Profile`: what an agent may remember about a person, field by field, with where each value came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Generic, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, ValidationError, create_model
from typing_extensions import TypeVar

from agent_memory.errors import InvalidPatch

Author = Literal['user', 'model', 'operator', 'system']
"""Who a value comes from: the person's own words, the model's guess, a colleague at the console, the software."""

Operation = Literal['remember', 'correct', 'forget']
"""`remember` adds to a list and sets anything else; `correct` replaces; `forget` empties."""


class Provenance(BaseModel):
    """Where the current value of one field comes from."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid', frozen=True, hide_input_in_errors=True)

    message: str | None = None
    """The opaque id of the message that stated it; `None` when no message did."""
    at: AwareDatetime
    previous: JsonValue = None
    """The value before, `None` when the field was empty."""
    by: Author = 'user'


class Change(BaseModel):
    """One change that a tool asks for. It becomes a `Fact` when the turn is folded."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid', frozen=True, hide_input_in_errors=True)

    field: str
    value: JsonValue = None
    op: Operation = 'remember'
    by: Author = 'user'


class Fact(BaseModel):
    """One typed profile change with its provenance, as committed and archived."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid', frozen=True, hide_input_in_errors=True)

    field: str
    value: JsonValue
    """The value after the change; `None` when the field was forgotten."""
    previous: JsonValue = None
    message: str | None = None
    at: AwareDatetime
    by: Author = 'user'


ProfileT = TypeVar('ProfileT', bound='Profile')


@dataclass(frozen=True)
class Patched(Generic[ProfileT]):
    """A profile after a patch, and the facts that the patch made."""

    profile: ProfileT
    facts: tuple[Fact, ...]


class Profile(BaseModel):
    """The base of what an agent may remember. Subclass it; every field must be optional.

    A profile starts empty and is filled by patches: `patch` validates all changes of one tool call together, records
    for each field where its value comes from, and never lets a guess of the model replace the person's own word.
    """

    # The text of a `ValidationError` would repeat what a person said.
    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid', hide_input_in_errors=True)

    managed: ClassVar[frozenset[str]] = frozenset({'provenance'})
    """Fields that the software keeps. No tool may set them and no model is shown them as parameters."""

    _settable: ClassVar[tuple[str, ...]] = ()

    provenance: dict[str, Provenance] = Field(default_factory=dict[str, Provenance])

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls._settable = tuple(name for name in cls.model_fields if name not in cls.managed)
        if required := [name for name, info in cls.model_fields.items() if info.is_required()]:
            raise TypeError(
                f'{cls.__name__} must give every field a default: {", ".join(required)}. A profile starts empty'
            )

    @classmethod
    def settable(cls) -> tuple[str, ...]:
        """Return the fields that a patch may change, in order of definition."""
        return cls._settable

    def reconcile(self, values: dict[str, Any], changed: frozenset[str]) -> dict[str, Any]:
        """Settle fields that contradict each other after `changed` were set; the newer word wins.

        Called on the profile as it was before.

        Args:
            values: All settable fields with the changes applied, not validated yet.
            changed: The fields that this patch names.
        """
        del changed
        return values

    def count_turn(self) -> Self:
        """Return the profile with what a committed turn itself changes, such as a count of turns."""
        return self

    def values(self) -> dict[str, JsonValue]:
        """Return every settable field as a JSON value."""
        return self.model_dump(mode='json', include=set(self.settable()))

    def known(self) -> dict[str, JsonValue]:
        """Return the settable fields that have a value, as JSON values."""
        return {name: value for name, value in self.values().items() if not _is_empty(value)}

    def sourced(self, *, at: datetime) -> tuple[Fact, ...]:
        """Return each known value as a fact that stands since `at`, with the message and author that it came from."""
        return tuple(
            Fact(
                field=name,
                value=value,
                at=at,
                message=source.message if source else None,
                by=source.by if source else 'system',
            )
            for name, value in self.known().items()
            for source in [self.provenance.get(name)]
        )

    def patch(
        self, changes: Iterable[Change], *, message: str | None = None, at: datetime | None = None
    ) -> Patched[Self]:
        """Return the profile with `changes` applied together, and the facts that made the difference.

        Args:
            changes: The changes of one tool call, in the order they were said.
            message: The opaque id of the message that states them.
            at: When it was said; now by default.

        Raises:
            InvalidPatch: A field is unknown or managed, or a value breaks the model; nothing is changed.
        """
        stamp = at or datetime.now(UTC)
        asked = list(changes)
        self._check_fields(asked)
        before = self.values()
        told = [change for change in asked if change.by != 'model']
        authors: dict[str, Author] = {change.field: change.by for change in told}
        draft = self._drafted(before, told)
        if guesses := [change for change in asked if change.by == 'model']:
            guesses = self._welcome(draft, authors, guesses)
            authors |= {change.field: change.by for change in guesses}
            draft = self._drafted(draft, guesses)
        valid = self._validated(draft)
        after = valid.values()
        facts = tuple(
            Fact(
                field=name,
                value=after[name],
                previous=before[name],
                message=message,
                at=stamp,
                by=authors.get(name, 'system'),
            )
            for name in after
            if after[name] != before[name]
        )
        provenance = self.provenance | {
            fact.field: Provenance(message=message, at=stamp, previous=fact.previous, by=fact.by) for fact in facts
        }
        for name, source in self.provenance.items():
            if provenance[name] is source and source.by == 'model' and authors.get(name, 'model') != 'model':
                # A guess that the person confirms becomes their word.
                confirmed = {'message': message, 'at': stamp, 'by': authors[name]}
                provenance[name] = source.model_copy(update=confirmed)
        valid.provenance = provenance
        return Patched(valid, facts)

    def _check_fields(self, changes: Iterable[Change]) -> None:
        fields = self.settable()
        for change in changes:
            if change.field not in fields:
                raise InvalidPatch(f'{change.field}: not a field of {type(self).__name__}; fields: {", ".join(fields)}')

    def _drafted(self, values: Mapping[str, JsonValue], changes: Iterable[Change]) -> dict[str, JsonValue]:
        draft, named = dict(values), set[str]()
        for change in changes:
            named.add(change.field)
            if change.op == 'forget' and (change.value is None or not isinstance(draft[change.field], list)):
                draft[change.field] = type(self)().values()[change.field]
            else:
                draft[change.field] = _merged(draft[change.field], change)
        return self.reconcile(draft, frozenset(named)) if named else draft

    def _welcome(
        self, draft: dict[str, JsonValue], told: Mapping[str, Author], guesses: Iterable[Change]
    ) -> list[Change]:
        """Return the guesses that neither replace nor, by `reconcile`, undo what somebody said."""
        said = {
            name
            for name, value in draft.items()
            if not _is_empty(value) and (name in told or getattr(self.provenance.get(name), 'by', 'model') != 'model')
        }
        welcome = [guess for guess in guesses if guess.field not in said]
        guessed = self._drafted(draft, welcome)
        return welcome if all(guessed[name] == draft[name] for name in said) else []

    def _validated(self, values: dict[str, Any]) -> Self:
        kept = {name: getattr(self, name) for name in self.managed if name != 'provenance'}
        try:
            return type(self).model_validate({**values, **kept})
        except ValidationError as error:
            raise InvalidPatch(describe(error)) from error


def describe(error: ValidationError) -> str:
    """Return what is wrong and what is allowed, one clause a field, without repeating the input."""
    return '; '.join(
        f'{".".join(map(str, item["loc"])) or "profile"}: {item["msg"].removeprefix("Value error, ")}'
        for item in error.errors(include_url=False, include_input=False)
    )


def patch_model(profile_type: type[Profile]) -> type[BaseModel]:
    """Return the model of a sparse patch: every settable field of `profile_type`, optional, `None` meaning unsaid."""
    fields: dict[str, Any] = {}
    for name in profile_type.settable():
        info = profile_type.model_fields[name]
        constrained: Any = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
        fields[name] = (constrained | None, Field(default=None, description=info.description))
    return create_model(f'{profile_type.__name__}Patch', __config__=ConfigDict(extra='forbid'), **fields)


def _is_empty(value: JsonValue) -> bool:
    return value is None or value in ([], '')


def _merged(current: JsonValue, change: Change) -> JsonValue:
    said = change.value
    if not isinstance(current, list) or not isinstance(said, list):
        return said
    if change.op == 'forget':
        return [item for item in current if item not in said]
    merged: list[JsonValue] = []
    for item in [*current, *said] if change.op == 'remember' else said:
        if item not in merged:
            merged.append(item)
    return merged
