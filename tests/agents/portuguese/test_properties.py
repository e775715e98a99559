"""What holds for any text."""

import re
import time
from datetime import date
from importlib.resources import files
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_memory.agents.portuguese import understand
from agent_memory.lead import UserProfileData

TODAY = date(2026, 3, 10)
SPEECH = [
    'oi',
    'quero',
    'um',
    'uma',
    'carro',
    'sedan',
    'hatch',
    'suv',
    'fiat',
    'honda',
    'gol',
    'civic',
    'até',
    'no',
    'máximo',
    'mínimo',
    'de',
    'a',
    'e',
    'entre',
    '50',
    '80',
    'mil',
    'k',
    'R$',
    '1.500',
    '90.000,00',
    'cem',
    'sessenta',
    'cinquentinha',
    'sessentão',
    'milhão',
    'meio',
    'não',
    'nem',
    'só',
    'mas',
    'moro',
    'em',
    'Curitiba',
    'São',
    'Paulo',
    'PR',
    'sp',
    'trabalho',
    'uber',
    'família',
    'sem',
    'pressa',
    'mês',
    'que',
    'vem',
    'meu',
    'minha',
    'tenho',
    'troca',
    'por',
    'tira',
    'risca',
    'esquece',
    'valor',
    'sim',
    'pode',
    '1',
    '2',
    'b',
    'letra',
    'sistema',
    ':',
    'apaga',
    'meus',
    'dados',
    'parar',
    'sair',
    ',',
    '.',
    '?',
    '!',
    '*',
    '\n',
    '/',
    '-',
    '👍',
]

VOCABULARY = sorted(
    {
        word
        for file in (files('agent_memory.agents') / 'portuguese').iterdir()
        if file.name.endswith('.py')
        for word in re.findall(r'[a-z]{2,}', file.read_text(encoding='utf-8'))
    }
)
"""Every word that the rules look for, and those that they are written in."""

texts = st.one_of(
    st.text(max_size=300),
    st.lists(st.sampled_from(SPEECH), max_size=40).map(' '.join),
    st.lists(st.sampled_from([*VOCABULARY, *SPEECH * 20]), max_size=25).map(' '.join),
)
profiles = st.builds(
    UserProfileData,
    budget_max=st.none() | st.integers(1, 10_000_000),
    city=st.none() | st.sampled_from(['Curitiba', 'Santa Inês']),
    brands=st.lists(st.sampled_from(['Fiat', 'Honda', 'Ford']), unique=True),
    priorities=st.lists(st.sampled_from(['economy', 'automatic']), unique=True),
)


@settings(deadline=None, max_examples=300)
@given(messages=st.lists(texts, max_size=4), asked=st.none() | texts, profile=profiles)
def test_any_turn_yields_a_patch_that_the_profile_takes(
    messages: list[str], asked: str | None, profile: UserProfileData
) -> None:
    turn = understand(messages, asked=asked, profile=profile, today=TODAY)

    patched = profile.patch(turn.changes).profile
    assert UserProfileData.model_validate(patched.model_dump()) == patched
    assert all(change.by == 'user' for change in turn.changes)


@settings(deadline=None, max_examples=100)
@given(messages=st.lists(texts, max_size=3), profile=profiles)
def test_the_same_turn_is_always_understood_the_same(messages: list[str], profile: UserProfileData) -> None:
    first = understand(messages, profile=profile, today=TODAY)

    assert understand(messages, profile=profile, today=TODAY) == first


def _cost(text: str) -> float:
    """The processor time of the fastest of a few turns, in seconds."""
    times: list[float] = []
    for _ in range(5):
        start = time.process_time()
        understand([text], asked='Qual cidade?', profile=UserProfileData(), today=TODAY)
        times.append(time.process_time() - start)
    return min(times)


REPEATED = [
    'nao quero nem ',
    'moro em xyzab ',
    '50 mil a 60 mil ',
    'fiat ford gol ',
    'sao jose do ',
    '( ) ',
    '1) 2) ',
    '50. ',
    '50 nao ',
]


@pytest.mark.parametrize('piece', [*REPEATED, ' '.join(dict.fromkeys(chain(SPEECH))) + ' '])
def test_the_cost_of_a_turn_grows_with_its_length_and_not_with_its_square(piece: str) -> None:
    text = piece * (4096 // len(piece) + 1)
    _cost(text[:512])

    # Eight times the text: 8 when linear, 64 when quadratic, between them when a part of it is.
    assert _cost(text[:4096]) < 16 * max(_cost(text[:512]), 0.0005)
