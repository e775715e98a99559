"""Contacts and messages that are accepted, the life of a session, and the steps between its states."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent_memory.errors import ForbiddenTransition, InvalidContact, InvalidInput
from agent_memory.lead import CAR_LEAD, CAR_STATES, UserProfileData
from agent_memory.lead import SessionState as S
from agent_memory.profile import Change, Profile
from agent_memory.scoring import Band, Rule, Scoring
from agent_memory.session import (
    ConversationMemory,
    Domain,
    Inbound,
    SessionData,
    StateMachine,
    normal_contact,
)

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
ASKS = {S.COLLECTING_PROFILE, S.GENERATING_RECOMMENDATIONS, S.HUMAN_HANDOFF, S.COMPLETED}
ALLOWED = {
    S.GREETING: {S.COLLECTING_PROFILE, S.HUMAN_HANDOFF, S.COMPLETED},
    S.COLLECTING_PROFILE: {S.GENERATING_RECOMMENDATIONS, S.HUMAN_HANDOFF, S.COMPLETED},
    S.GENERATING_RECOMMENDATIONS: {S.SHOWING_RECOMMENDATIONS, S.COLLECTING_PROFILE, S.HUMAN_HANDOFF, S.COMPLETED},
    S.SHOWING_RECOMMENDATIONS: ASKS | {S.CAR_DETAILS, S.COMPARING_CARS},
    S.CAR_DETAILS: ASKS | {S.SHOWING_RECOMMENDATIONS, S.COMPARING_CARS},
    S.COMPARING_CARS: ASKS | {S.SHOWING_RECOMMENDATIONS, S.CAR_DETAILS},
    S.HUMAN_HANDOFF: {S.COMPLETED},
    S.COMPLETED: {S.COLLECTING_PROFILE, S.HUMAN_HANDOFF},
}


def session(state: str = S.GREETING) -> SessionData[UserProfileData]:
    opened = CAR_LEAD.open_session('c0ntact', at=START)
    opened.state = state
    return opened


def inbound(**changed: Any) -> Inbound:
    return Inbound.model_validate({'contact': '+5511912345678', 'message_id': 'wamid.1', 'text': 'oi', **changed})


@pytest.mark.parametrize('current', S)
@pytest.mark.parametrize('target', S)
def test_a_session_moves_by_the_table_only(current: S, target: S) -> None:
    moving = session(current)

    if target in ALLOWED[current] | {current}:
        CAR_STATES.advance(moving, target)
        assert moving.state == target
    else:
        with pytest.raises(ForbiddenTransition, match=f"'{current}' to '{target}'") as refused:
            CAR_STATES.advance(moving, target)
        assert moving.state == current
        assert (refused.value.current, refused.value.target) == (current, target)
        assert refused.value.allowed == ALLOWED[current]


def test_a_state_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ForbiddenTransition, match="'greeting' to 'racing'; allowed from 'greeting': collecting"):
        CAR_STATES.check(S.GREETING, 'racing')


@pytest.mark.parametrize('origin', [state for state in S if state != S.HUMAN_HANDOFF])
def test_the_hand_over_remembers_where_it_came_from_and_returns_there(origin: S) -> None:
    held = session(origin)

    CAR_STATES.advance(held, S.HUMAN_HANDOFF)
    CAR_STATES.advance(held, S.HUMAN_HANDOFF)
    assert CAR_STATES.is_muted(held)
    assert held.handoff_from == origin
    CAR_STATES.hand_back(held)

    assert (held.state, held.handoff_from) == (origin, None)
    assert not CAR_STATES.is_muted(held)


def test_a_conversation_that_ends_in_the_hand_over_forgets_where_it_came_from() -> None:
    held = session(S.CAR_DETAILS)

    CAR_STATES.advance(held, S.HUMAN_HANDOFF)
    CAR_STATES.advance(held, S.COMPLETED)

    assert (held.state, held.handoff_from) == (S.COMPLETED, None)


def test_only_a_held_conversation_can_be_handed_back() -> None:
    with pytest.raises(
        ForbiddenTransition, match=r"'greeting' to 'the state before the hand-over'; .*collecting_profile"
    ):
        CAR_STATES.hand_back(session())


def test_a_table_names_every_state_it_leads_to() -> None:
    with pytest.raises(InvalidInput, match=r'transitions: closed, gone$'):
        StateMachine(initial='open', handoff='gone', transitions={'open': frozenset({'closed'})})


def test_a_domain_names_only_fields_that_its_profile_has() -> None:
    class Guest(Profile):
        city: str | None = None

    scoring = Scoring[Guest](rules=(Rule('town', 1, lambda p: 1.0, ('town',)),), bands=(Band('all', 0, ''),))

    with pytest.raises(InvalidInput, match='not fields of Guest: provenance, town'):
        Domain(Guest, StateMachine('open', {'open': frozenset()}), score=scoring, carry_over=frozenset({'provenance'}))


@pytest.mark.parametrize(
    ('given', 'kept'),
    [
        ('+5511912345678', '+5511912345678'),
        (' +55 (11) 91234-5678 ', '+5511912345678'),
        ('11 91234-5678', '+5511912345678'),
        ('5511912345678', '+5511912345678'),
        ('+14155552671', '+14155552671'),
        ('BR.1350abcDEF', 'BR.1350abcDEF'),
        ('US.ENT.11815799212886844830', 'US.ENT.11815799212886844830'),
        (f'BR.{"a" * 128}', f'BR.{"a" * 128}'),
    ],
)
def test_a_contact_is_a_phone_number_or_a_user_id(given: str, kept: str) -> None:
    assert normal_contact(given) == kept
    assert inbound(contact=given).contact == kept


@pytest.mark.parametrize(
    'given',
    [
        '',
        '+1',
        '+5511',
        '123456',
        'ana',
        'call +5511912345678 now',
        '14155552671',  # a number of the United States that lost its plus is nobody in Brazil
        '+5511912345678901234',
        'br.1350abc',
        'BR.',
        f'BR.{"a" * 129}',
        'BR.1350-abc',
    ],
)
def test_anything_else_is_no_contact_and_is_not_repeated(given: str) -> None:
    with pytest.raises(InvalidContact, match='not a phone number or a WhatsApp user id') as refused:
        normal_contact(given)
    with pytest.raises(ValidationError) as rejected:
        inbound(contact=given)

    if len(given) > len('+5511'):  # what is shorter stands in the example that the message gives
        assert given not in f'{refused.value} {refused.value.__cause__} {rejected.value}'


def test_a_message_may_be_empty_and_holds_at_most_4096_characters() -> None:
    assert inbound(text='').text == ''
    assert len(inbound(text='é' * 4096).text) == 4096
    with pytest.raises(ValidationError, match='at most 4096 characters') as rejected:
        inbound(text='segredo ' * 1250)
    assert 'segredo' not in str(rejected.value)


@pytest.mark.parametrize(
    'wrong',
    [{'message_id': ''}, {'sent_at': datetime(2026, 3, 1)}, {'color': 'red'}, {'text': '\ud800'}],  # noqa: DTZ001
)
def test_a_malformed_message_is_rejected(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        inbound(**wrong)


def test_the_sent_time_is_kept_in_utc() -> None:
    sent = inbound(sent_at=datetime(2026, 3, 1, 9, tzinfo=timezone(timedelta(hours=-3)))).sent_at

    assert (sent, sent.tzinfo) == (START, UTC)


def test_memory_returns_the_last_messages_oldest_first() -> None:
    memory = ConversationMemory()
    for number in range(5):
        memory.add_message('user', f'm{number}', at=START + timedelta(seconds=number))

    assert [message.content for message in memory.get_recent_messages(2)] == ['m3', 'm4']
    assert len(memory.get_recent_messages(99)) == 5
    assert memory.get_recent_messages(0) == memory.get_recent_messages(-1) == []
    assert memory.summary == ''


@pytest.mark.parametrize(
    'wrong',
    [
        {'role': 'robot', 'content': 'oi'},
        {'role': 'user', 'content': ''},
        {'role': 'user', 'content': ' \n'},
        {'role': 'user', 'content': 5},
        {'role': 'user', 'content': 'oi', 'at': datetime(2026, 3, 1)},  # noqa: DTZ001
        {'role': 'user', 'content': 'oi', 'mood': 'good'},
    ],
)
def test_memory_rejects_a_malformed_message(wrong: dict[str, Any]) -> None:
    memory = ConversationMemory()
    with pytest.raises(ValidationError):
        ConversationMemory.model_validate({'messages': [wrong]})
    if wrong.keys() <= {'role', 'content', 'at'}:
        with pytest.raises(ValidationError):
            memory.add_message(**wrong)
    assert memory.messages == []


def test_a_session_is_named_by_contact_and_start_and_its_turns_by_number() -> None:
    opened = session()

    assert opened.session_id == 'c0ntact:1772366400000'
    assert opened.get_idempotency_key() == 'c0ntact:1772366400000:0'
    assert opened.increment_turn(at=START + timedelta(minutes=1)) == 1
    assert opened.get_idempotency_key() == 'c0ntact:1772366400000:1'
    assert (opened.created_at, opened.updated_at) == (START, START + timedelta(minutes=1))


@given(st.integers(0, 4_102_444_800_000))
def test_the_session_id_holds_the_milliseconds_of_the_store(started_ms: int) -> None:
    at = datetime.fromtimestamp(started_ms / 1000, UTC)

    assert CAR_LEAD.open_session('c', at=at).session_id == f'c:{started_ms}'


def test_a_session_expires_when_its_ttl_passes_without_a_turn() -> None:
    opened = session()
    assert opened.ttl == timedelta(hours=24)

    assert not opened.is_expired(START + timedelta(hours=24, microseconds=-1))
    assert opened.is_expired(START + timedelta(hours=24))
    opened.increment_turn(at=START + timedelta(hours=23))
    assert not opened.is_expired(START + timedelta(hours=24))


def test_consent_is_absent_until_given_and_then_has_its_time() -> None:
    opened = session()
    assert (opened.consent.given, opened.consent.at) == (False, None)

    opened.give_consent(at=START)

    assert (opened.consent.given, opened.consent.at) == (True, START)


def test_a_returning_contact_keeps_what_lasts() -> None:
    past = session(S.COMPLETED)
    changes = [Change(field='city', value='Campinas'), Change(field='urgency', value='immediate')]
    past.profile = past.profile.patch(changes, message='m1', at=START).profile.count_turn()
    past.give_consent(at=START)
    past.requests = ['person', 'opt_out']

    opened = CAR_LEAD.open_session('c0ntact', at=START + timedelta(days=3), previous=past)

    assert opened.profile.known() == {'city': 'Campinas'}
    assert opened.profile.provenance == {'city': past.profile.provenance['city']}
    assert (opened.state, opened.turn, opened.profile.interactions) == (S.GREETING, 0, 0)
    assert (opened.consent, opened.requests) == (past.consent, ['opt_out'])


def test_a_contact_who_started_over_keeps_consent_and_requests_only() -> None:
    past = session()
    past.profile = past.profile.patch([Change(field='city', value='Campinas')]).profile
    past.give_consent(at=START)
    past.requests = ['opt_out']
    past.forgotten = True

    opened = CAR_LEAD.open_session('c0ntact', at=START, previous=past)

    assert opened.profile == UserProfileData()
    assert (opened.consent, opened.requests) == (past.consent, ['opt_out'])
