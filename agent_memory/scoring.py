"""Declarative scores: a table of rules, and a result in which each point says what it stands on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Generic

from pydantic import BaseModel, ConfigDict

from agent_memory.errors import InvalidInput
from agent_memory.profile import ProfileT


@dataclass(frozen=True)
class Rule(Generic[ProfileT]):
    """One line of a weight table."""

    name: str
    points: float
    """The most that this rule gives."""
    share: Callable[[ProfileT], float]
    """How much of `points` the profile earns, 0.0 to 1.0."""
    fields: tuple[str, ...]
    """The profile fields that the rule reads; their provenance explains the points."""


@dataclass(frozen=True)
class Band:
    """A class of scores: what the business calls it and does with it."""

    name: str
    floor: float
    """The lowest score of the band."""
    action: str


class Part(BaseModel):
    """The points that one rule gave, and the messages they rest on."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid', frozen=True)

    rule: str
    points: float
    of: float
    fields: tuple[str, ...] = ()
    """The fields with a value that the rule read."""
    messages: tuple[str, ...] = ()
    """The opaque ids of the messages that stated those values."""


class Score(BaseModel):
    """A total and its parts; `band` is the name of the class it falls in."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='forbid', frozen=True)

    total: float
    band: str
    action: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Scoring(Generic[ProfileT]):
    """A table of rules and the bands that its total falls in."""

    rules: tuple[Rule[ProfileT], ...]
    bands: tuple[Band, ...]

    def __post_init__(self) -> None:
        if not any(band.floor <= 0 for band in self.bands):
            raise InvalidInput('a scoring needs a band from 0 on, or a low total falls in none')

    def __call__(self, profile: ProfileT) -> Score:
        parts = tuple(_part(rule, profile) for rule in self.rules)
        total = self.total(profile)
        band = max((band for band in self.bands if total >= band.floor), key=lambda band: band.floor)
        return Score(total=total, band=band.name, action=band.action, parts=parts)

    def total(self, profile: ProfileT) -> float:
        """Return the total of the score, without its explanation."""
        # Rounded once, so that weights such as 0.1 and 0.2 add up to what a person would write.
        return round(sum([rule.points * rule.share(profile) for rule in self.rules]), 6)


def _part(rule: Rule[ProfileT], profile: ProfileT) -> Part:
    known = [name for name in rule.fields if getattr(profile, name) not in (None, [], 0)]
    sources = (profile.provenance.get(name) for name in known)
    messages = dict.fromkeys(source.message for source in sources if source and source.message)
    points = round(rule.points * rule.share(profile), 6)
    return Part(rule=rule.name, points=points, of=rule.points, fields=tuple(known), messages=tuple(messages))
