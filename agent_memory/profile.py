"""`Profile`: what an agent may remember about a person, field by field, with where each value came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, Literal, Self, cast, get_args, get_origin

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, ValidationError, create_model
from typing_extensions import TypeVar

from agent_memory.errors import InvalidPatch

Author = Literal['user', 'model', 'operator', 'system']
"""Who a value comes from: the person's own words, the model's guess, a colleague at the console, the software."""

Operation = Literal['remember', 'correct', 'forget']
"""`remember` adds to a list and sets anything else; `correct` replaces; `forget` empties."""


class Provenance(BaseModel):
    """Where the current value of one field comes from."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid', frozen=True)

    message: str | None = None
    """The opaque id of the message that stated it; `None` when no message did."""
    at: AwareDatetime
    previous: JsonValue = None
    """The value before, `None` when the field was empty."""
    by: Author = 'user'


class Change(BaseModel):
    """One change that a tool asks for. It becomes a `Fact` when the turn is folded."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid', frozen=True)

    field: str
    value: JsonValue = None
    op: Operation = 'remember'
    by: Author = 'user'


class Fact(BaseModel):
    """One typed profile change with its provenance, as committed and archived."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid', frozen=True)

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

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid')

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

    @classmethod
    def reconcile(cls, values: dict[str, Any], changed: frozenset[str]) -> dict[str, Any]:
        """Settle fields that contradict each other after `changed` were set; the newer word wins.

        Args:
            values: All settable fields as JSON values, with the changes applied.
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
        values = self.values()
        return {name: value for name, value in values.items() if value not in (None, [], '')}

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
        before = self.values()
        values = dict(before)
        authors: dict[str, Author] = {}
        for change in changes:
            self._check_field(change.field)
            if self._outranked(change, values):
                continue
            values[change.field] = _merged(values[change.field], change)
            authors[change.field] = change.by
        values = self.reconcile(values, frozenset(authors))
        valid = self._validated(values)
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
        valid.provenance = provenance
        return Patched(valid, facts)

    def _check_field(self, field: str) -> None:
        if field not in self.settable():
            raise InvalidPatch(f'{field}: not a field of {type(self).__name__}; fields: {", ".join(self.settable())}')

    def _outranked(self, change: Change, values: Mapping[str, Any]) -> bool:
        source = self.provenance.get(change.field)
        said = source is not None and source.by in ('user', 'operator')
        return change.by == 'model' and said and values[change.field] not in (None, [])

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


def is_list_field(profile_type: type[Profile], field: str) -> bool:
    """Return whether `field` holds a list, to which `remember` adds."""
    return get_origin(profile_type.model_fields[field].annotation) is list


def patch_model(profile_type: type[Profile]) -> type[BaseModel]:
    """Return the model of a sparse patch: every settable field of `profile_type`, optional, `None` meaning unsaid."""
    fields: dict[str, Any] = {}
    for name in profile_type.settable():
        info = profile_type.model_fields[name]
        annotation: Any = info.annotation
        if type(None) not in get_args(annotation):
            annotation = annotation | None
        fields[name] = (annotation, Field(default=None, description=info.description))
    return create_model(f'{profile_type.__name__}Patch', __config__=ConfigDict(extra='forbid'), **fields)


def _merged(current: Any, change: Change) -> Any:
    if not isinstance(current, list):
        return None if change.op == 'forget' else change.value
    held = cast('list[JsonValue]', current)
    said = change.value if isinstance(change.value, list) else None
    if change.op == 'forget':
        return [item for item in held if said is not None and item not in said]
    if change.op == 'remember' and said is not None:
        return [*held, *(item for item in said if item not in held)]
    return change.value
