"""What a profile accepts, whose word counts, and what it says of where a value comes from."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, ValidationError

from agent_memory.errors import InvalidPatch
from agent_memory.lead import UserProfileData
from agent_memory.profile import Author, Change, Operation, Profile, Provenance, patch_model

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Visitor(Profile):
    """Fields of other shapes than the lead has."""

    birthday: date | None = None
    newsletter: bool = False
    nicknames: list[str] | None = None


def say(field: str, value: JsonValue = None, *, op: Operation = 'remember', by: Author = 'user') -> Change:
    return Change(field=field, value=value, op=op, by=by)


def lead(*changes: Change) -> UserProfileData:
    return UserProfileData().patch(changes, message='m0', at=NOON).profile


def test_a_patch_records_message_time_previous_value_and_author() -> None:
    first = lead(say('budget_max', 50_000))

    patched = first.patch([say('budget_max', 60_000, by='operator')], message='m1', at=NOON)

    assert patched.profile.budget_max == 60_000
    source = Provenance(message='m1', at=NOON, previous=50_000, by='operator')
    assert patched.profile.provenance == {'budget_max': source}
    [fact] = patched.facts
    assert (fact.field, fact.value, fact.previous) == ('budget_max', 60_000, 50_000)
    assert (fact.message, fact.at, fact.by) == ('m1', NOON, 'operator')
    assert first.budget_max == 50_000


def test_saying_the_same_again_makes_no_fact_and_keeps_the_source() -> None:
    profile = lead(say('city', 'Campinas'))

    patched = profile.patch([say('city', ' Campinas ')], message='m1')

    assert patched.facts == ()
    assert patched.profile.provenance['city'].message == 'm0'


@pytest.mark.parametrize(
    ('changes', 'named'),
    [
        ([say('budget_max', 0)], 'budget_max'),
        ([say('budget_min', -1)], 'budget_min'),
        ([say('budget_max', 'sessenta mil')], 'budget_max'),
        ([say('budget_min', 60_000), say('budget_max', 40_000)], 'budget_min is above budget_max'),
        ([say('main_use', 'racing')], 'main_use'),
        ([say('state', 'XX')], 'state'),
        ([say('name', '   ')], 'name'),
        ([say('brands', 'Fiat')], 'brands'),
        ([say('brands', 'Fiat'), say('excluded_brands', ['VW'])], 'brands'),
        ([say('brands', 5), say('excluded_brands', ['VW'])], 'brands'),
        ([say('brands', [''])], 'brands'),
        ([say('color', 'red')], 'color: not a field'),
        ([say('interactions', 99)], 'interactions: not a field'),
        ([say('provenance', {})], 'provenance: not a field'),
    ],
)
def test_a_change_that_breaks_the_model_is_refused(changes: list[Change], named: str) -> None:
    profile = lead(say('city', 'Campinas'))
    before = profile.model_copy(deep=True)

    with pytest.raises(InvalidPatch, match=named):
        profile.patch([say('city', 'Santos'), *changes])

    assert profile == before


def test_a_refused_change_does_not_repeat_what_was_said() -> None:
    with pytest.raises(InvalidPatch) as refused:
        UserProfileData().patch([say('city', 'Rua A, 5, tel 11 91234-5678' * 9), say('budget_max', '11912345678x')])

    assert '91234' not in str(refused.value)
    assert '91234' not in str(refused.value.__cause__)


def test_a_new_end_of_the_budget_wins_over_the_old_other_end() -> None:
    profile = lead(say('budget_min', 30_000), say('budget_max', 50_000))

    raised = profile.patch([say('budget_min', 60_000)]).profile
    lowered = profile.patch([say('budget_max', 20_000)]).profile

    assert (raised.budget_min, raised.budget_max) == (60_000, None)
    assert (lowered.budget_min, lowered.budget_max) == (None, 20_000)
    assert raised.provenance['budget_max'].by == 'system'
    assert raised.provenance['budget_max'].previous == 50_000


def test_a_brand_moves_to_the_list_it_was_said_in_last() -> None:
    profile = lead(say('brands', ['Fiat', 'Honda']))

    refused = profile.patch([say('excluded_brands', ['FIAT'])]).profile
    wanted = refused.patch([say('brands', ['Fiat']), say('excluded_brands', ['Kia'])]).profile

    assert (refused.brands, refused.excluded_brands) == (['Honda'], ['FIAT'])
    assert (wanted.brands, wanted.excluded_brands) == (['Honda', 'Fiat'], ['Kia'])


def test_a_brand_said_in_both_lists_at_once_is_excluded() -> None:
    profile = lead(say('brands', ['Fiat']), say('excluded_brands', ['Fiat']))

    assert (profile.brands, profile.excluded_brands) == ([], ['Fiat'])


def test_remember_adds_to_a_list_and_correct_replaces_it() -> None:
    profile = lead(say('priorities', ['economy', 'safety', 'economy']))

    added = profile.patch([say('priorities', ['space', 'economy'])]).profile
    replaced = added.patch([say('priorities', ['design', 'design'], op='correct')]).profile

    assert added.priorities == ['economy', 'safety', 'space']
    assert replaced.priorities == ['design']


def test_forget_takes_items_off_a_list_or_empties_a_field() -> None:
    profile = lead(say('brands', ['Fiat', 'Honda']), say('city', 'Campinas'), say('body_types', ['suv']))

    patched = profile.patch([say('brands', ['Fiat'], op='forget'), say('city', op='forget')])
    emptied = patched.profile.patch([say('body_types', op='forget')]).profile

    assert patched.profile.known() == {'brands': ['Honda'], 'body_types': ['suv']}
    assert patched.profile.provenance['city'].previous == 'Campinas'
    assert emptied.known() == {'brands': ['Honda']}


def test_forgetting_one_item_that_is_no_list_forgets_nothing_else() -> None:
    profile = lead(say('brands', ['Fiat', 'Honda']))

    with pytest.raises(InvalidPatch, match='brands'):
        profile.patch([say('brands', 'Fiat', op='forget')])


def test_forget_returns_a_field_to_its_default() -> None:
    profile = (
        Visitor().patch([say('newsletter', True), say('birthday', '1990-02-03'), say('nicknames', ['Zé'])]).profile
    )
    assert profile.birthday == date(1990, 2, 3)

    forgotten = profile.patch([say(name, op='forget') for name in Visitor.settable()]).profile

    assert forgotten.values() == Visitor().values()


@pytest.mark.parametrize('author', ['user', 'operator', 'system'])
def test_a_guess_never_replaces_what_somebody_said(author: Author) -> None:
    profile = lead(say('city', 'Campinas', by=author))

    patched = profile.patch([say('city', 'Santos', by='model'), say('state', 'SP', by='model')])

    assert patched.profile.known() == {'city': 'Campinas', 'state': 'SP'}
    assert patched.profile.provenance['state'].by == 'model'


def test_a_guess_fills_what_the_person_took_back() -> None:
    profile = lead(say('city', 'Campinas')).patch([say('city', op='forget')]).profile

    assert profile.patch([say('city', 'Santos', by='model')]).profile.city == 'Santos'


def test_a_guess_of_the_same_patch_gives_way_in_either_order() -> None:
    said, guessed = say('city', 'Campinas'), say('city', 'Santos', by='model')

    for changes in ([said, guessed], [guessed, said]):
        patched = UserProfileData().patch(changes).profile
        assert (patched.city, patched.provenance['city'].by) == ('Campinas', 'user')


@pytest.mark.parametrize(
    ('said', 'guess'),
    [
        (say('budget_max', 40_000), say('budget_min', 60_000, by='model')),
        (say('excluded_brands', ['Fiat']), say('brands', ['Fiat'], by='model')),
    ],
)
def test_a_guess_that_contradicts_the_person_is_left_out(said: Change, guess: Change) -> None:
    profile = lead(said)

    assert profile.patch([guess]).profile == profile
    assert UserProfileData().patch([said, guess], message='m0', at=NOON).profile == profile


def test_a_guess_that_the_person_confirms_becomes_their_word() -> None:
    guessed = lead(say('city', 'Campinas', by='model'))

    confirmed = guessed.patch([say('city', 'Campinas')], message='m1', at=NOON).profile

    assert confirmed.provenance['city'] == Provenance(message='m1', at=NOON, by='user')
    assert confirmed.patch([say('city', 'Santos', by='model')]).profile.city == 'Campinas'


def test_a_profile_must_be_able_to_start_empty() -> None:
    with pytest.raises(TypeError, match='Strict must give every field a default: name'):
        type('Strict', (Profile,), {'__annotations__': {'name': str}})


def test_a_profile_takes_no_unknown_field() -> None:
    with pytest.raises(ValidationError, match='color'):
        UserProfileData.model_validate({'color': 'red'})


def test_the_patch_model_has_the_settable_fields_with_their_limits() -> None:
    patch = patch_model(UserProfileData)

    assert tuple(patch.model_fields) == UserProfileData.settable()
    assert patch().model_dump(exclude_none=True) == {}
    for wrong in ({'budget_max': 0}, {'state': 'XX'}, {'interactions': 1}):
        with pytest.raises(ValidationError):
            patch.model_validate(wrong)


WORDS: st.SearchStrategy[Any] = st.sampled_from(
    ['Fiat', 'fiat', 'SP', 'family', 'economy', 'suv', '', ' ', 'exploring']
)
SCALARS: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers(-5, 90_000) | WORDS
CHANGES = st.builds(
    Change,
    field=st.sampled_from([*UserProfileData.settable(), 'interactions', 'color']) | st.sampled_from(['brands']),
    value=SCALARS | st.lists(WORDS, max_size=4),
    op=st.sampled_from(['remember', 'correct', 'forget']),
    by=st.sampled_from(['user', 'model', 'operator', 'system']),
)


@given(patches=st.lists(st.lists(CHANGES, max_size=4), max_size=6))
def test_any_changes_leave_a_valid_profile_or_leave_it_untouched(patches: list[list[Change]]) -> None:
    profile = UserProfileData()
    for changes in patches:
        before = profile.model_dump_json()
        try:
            patched = profile.patch(changes, message='m1', at=NOON)
        except InvalidPatch:
            assert profile.model_dump_json() == before
            continue
        profile = UserProfileData.model_validate_json(patched.profile.model_dump_json())
        assert profile == patched.profile
        assert not {brand.casefold() for brand in profile.brands} & {b.casefold() for b in profile.excluded_brands}
        assert set(profile.known()) <= set(profile.provenance)
        for fact in patched.facts:
            assert fact.value == profile.values()[fact.field] != fact.previous
