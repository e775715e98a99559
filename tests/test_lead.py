"""The car lead: its states, its completeness and its qualification, by the tables a dealership was promised."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from agent_memory.lead import COMPLETENESS, QUALIFICATION, SessionState, UserProfileData
from agent_memory.profile import Change

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVERYTHING: dict[str, Any] = {
    'budget_min': 40_000,
    'budget_max': 60_000,
    'main_use': 'family',
    'city': 'Campinas',
    'state': 'SP',
    'priorities': ['economy', 'safety', 'space'],
    'brands': ['Fiat'],
    'urgency': 'immediate',
}


def lead(interactions: int = 0, **values: Any) -> UserProfileData:
    profile = UserProfileData()
    for number, (field, value) in enumerate(values.items()):
        profile = profile.patch([Change(field=field, value=value)], message=f'm{number}', at=NOON).profile
    for _ in range(interactions):
        profile = profile.count_turn()
    return profile


def without(*fields: str) -> UserProfileData:
    return lead(**{name: value for name, value in EVERYTHING.items() if name not in fields})


def test_the_states_of_a_conversation() -> None:
    assert [state.value for state in SessionState] == [
        'greeting',
        'collecting_profile',
        'generating_recommendations',
        'showing_recommendations',
        'car_details',
        'comparing_cars',
        'human_handoff',
        'completed',
    ]


@pytest.mark.parametrize(
    ('missing', 'total'),
    [
        ((), 1.0),
        (('budget_min',), 0.75),
        (('budget_max',), 0.75),
        (('main_use',), 0.75),
        (('city',), 0.8),
        (('state',), 0.8),
        (('priorities',), 0.7),
        (tuple(EVERYTHING), 0.0),
    ],
)
def test_completeness_weighs_budget_use_location_and_priorities(missing: tuple[str, ...], total: float) -> None:
    score = COMPLETENESS(without(*missing))

    assert score.total == total
    assert score.band == ('complete' if total == 1 else 'open')


@pytest.mark.parametrize(('named', 'points'), [(2, 0.0), (3, 0.3), (4, 0.3)])
def test_completeness_asks_for_three_priorities(named: int, points: float) -> None:
    priorities = ['economy', 'safety', 'space', 'design'][:named]

    assert COMPLETENESS(lead(priorities=priorities)).total == points
    assert COMPLETENESS(lead(priorities=['economy'] * named)).total == 0


@pytest.mark.parametrize(
    ('values', 'points'),
    [
        ({}, 0),
        ({'budget_min': 40_000}, 0),
        ({'budget_max': 60_000}, 30),
        ({'urgency': 'immediate'}, 25),
        ({'urgency': '1-3_months'}, 20),
        ({'urgency': '3-6_months'}, 15),
        ({'urgency': 'exploring'}, 10),
        ({'priorities': ['economy']}, 10),
        ({'main_use': 'travel'}, 8),
        ({'brands': ['Fiat']}, 7),
        ({'body_types': ['suv']}, 7),
        ({'brands': ['Fiat'], 'body_types': ['suv']}, 7),
        ({'excluded_brands': ['Fiat'], 'city': 'Campinas', 'name': 'Ana', 'payment': 'cash', 'trade_in': 'Gol'}, 0),
        (EVERYTHING, 80),
    ],
)
def test_qualification_weighs_budget_urgency_and_preferences(values: dict[str, Any], points: int) -> None:
    assert QUALIFICATION(lead(**values)).total == points


@pytest.mark.parametrize(
    ('interactions', 'points'), [(0, 0), (1, 10), (2, 10), (3, 15), (4, 15), (5, 20), (6, 20), (50, 20)]
)
def test_engagement_counts_the_turns(interactions: int, points: int) -> None:
    assert QUALIFICATION(lead(interactions)).total == points


def test_everything_known_and_an_engaged_lead_is_a_hundred() -> None:
    assert QUALIFICATION(lead(5, **EVERYTHING)).total == 100
    assert sum(rule.points for rule in QUALIFICATION.rules) == 100
    assert round(sum(rule.points for rule in COMPLETENESS.rules), 6) == 1


@pytest.mark.parametrize(
    ('profile', 'total', 'band', 'action'),
    [
        # 30 + 8 = 38 and 30 + 10 = 40 are the nearest totals that the table can give.
        (lead(budget_max=60_000, main_use='travel'), 38, 'low', 'keep qualifying'),
        (lead(budget_max=60_000, priorities=['economy']), 40, 'medium', 'nurture, re-engage in 7 days'),
        (
            lead(1, budget_max=60_000, brands=['Fiat'], urgency='exploring'),
            57,
            'medium',
            'nurture, re-engage in 7 days',
        ),
        (lead(1, budget_max=60_000, urgency='1-3_months'), 60, 'high', 'to the dealership'),
        (UserProfileData(), 0, 'low', 'keep qualifying'),
    ],
)
def test_the_class_says_what_the_dealership_does(profile: UserProfileData, total: int, band: str, action: str) -> None:
    score = QUALIFICATION(profile)

    assert (score.total, score.band, score.action) == (total, band, action)


@pytest.mark.parametrize(('total', 'band'), [(0, 'low'), (39, 'low'), (40, 'medium'), (59, 'medium'), (60, 'high')])
def test_the_classes_begin_at_40_and_60(total: float, band: str) -> None:
    assert max((b for b in QUALIFICATION.bands if b.floor <= total), key=lambda b: b.floor).name == band


def test_every_point_is_explained_by_its_message() -> None:
    parts = QUALIFICATION(lead(3, **EVERYTHING)).parts

    assert [(part.rule, part.points, part.of, part.messages) for part in parts] == [
        ('budget', 30, 30, ('m1',)),
        ('urgency', 25, 25, ('m7',)),
        ('priorities', 10, 10, ('m5',)),
        ('main_use', 8, 8, ('m2',)),
        ('brands_or_body', 7, 7, ('m6',)),
        ('engagement', 15, 20, ()),
    ]
    assert parts[-1].fields == ('interactions',)
    assert sum(part.points for part in parts) == 95
