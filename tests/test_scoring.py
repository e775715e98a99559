"""Totals, bands and explanations of any scoring."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent_memory.errors import InvalidInput
from agent_memory.profile import Change, Profile
from agent_memory.scoring import Band, Part, Rule, Scoring

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Guest(Profile):
    city: str | None = None
    tags: list[str] = []  # noqa: RUF012 - Pydantic copies it
    visits: int = 0


SCORING = Scoring[Guest](
    rules=(
        Rule('place', 0.1, lambda p: float(p.city is not None), ('city',)),
        Rule('interest', 0.2, lambda p: min(len(p.tags), 2) / 2, ('tags', 'visits')),
    ),
    bands=(Band('cold', 0, 'wait'), Band('warm', 0.1, 'write'), Band('hot', 0.3, 'call')),
)


def guest(*changes: Change, message: str = 'm1') -> Guest:
    return Guest().patch(changes, message=message, at=NOON).profile


def test_a_total_is_rounded_to_what_a_person_would_write() -> None:
    score = SCORING(guest(Change(field='city', value='Natal'), Change(field='tags', value=['a', 'b'])))

    assert 0.1 + 0.2 != 0.3
    assert (score.total, score.band, score.action) == (0.3, 'hot', 'call')


def test_each_part_names_the_known_fields_and_the_messages_they_come_from() -> None:
    profile = guest(Change(field='tags', value=['a']), message='m1')
    profile = profile.patch([Change(field='visits', value=2)], message='m2', at=NOON).profile

    assert SCORING(profile).parts == (
        Part(rule='place', points=0, of=0.1),
        Part(rule='interest', points=0.1, of=0.2, fields=('tags', 'visits'), messages=('m1', 'm2')),
    )


def test_two_fields_of_one_message_name_it_once() -> None:
    profile = guest(Change(field='tags', value=['a']), Change(field='visits', value=2))

    assert SCORING(profile).parts[1].messages == ('m1',)


def test_an_empty_profile_falls_in_the_lowest_band() -> None:
    assert SCORING(Guest()).model_dump(include={'total', 'band', 'action'}) == {
        'total': 0,
        'band': 'cold',
        'action': 'wait',
    }


def test_bands_leave_no_total_out() -> None:
    with pytest.raises(InvalidInput, match='a band from 0 on'):
        Scoring[Guest](rules=(), bands=(Band('warm', 1, 'write'),))


def test_the_total_alone_is_that_of_the_explained_score() -> None:
    profile = guest(Change(field='city', value='Natal'), Change(field='tags', value=['a']))

    assert SCORING.total(profile) == SCORING(profile).total == 0.2
