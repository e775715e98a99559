"""What is said around a fact changes nothing: greetings, vocatives, laughs, tags, capitals, accents."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from agent_memory.agents.portuguese import Understanding, understand
from agent_memory.evals._dialogues import read_file
from agent_memory.lead import UserProfileData

TODAY = date(2026, 3, 10)
DATASETS = Path(__file__).parents[3] / 'evals' / 'datasets'
DIALOGUES = [
    dialogue
    for name in ('slots', 'whatsapp_dev_3', 'whatsapp_dev_4', 'whatsapp_dev_5')
    for dialogue in read_file(DATASETS / f'{name}.yaml').dialogues
]


def _without_accents(text: str) -> str:
    return ''.join(char for char in unicodedata.normalize('NFKD', text) if not unicodedata.combining(char))


def _before(opening: str) -> Callable[[list[str]], list[str]]:
    return lambda messages: [f'{opening} {messages[0]}', *messages[1:]]


def _behind(closing: str) -> Callable[[list[str]], list[str]]:
    return lambda messages: messages if messages[-1].endswith('?') else [*messages[:-1], f'{messages[-1]}{closing}']


NOISES: dict[str, Callable[[list[str]], list[str]]] = {
    'greeting': lambda messages: ['bom dia', *messages],
    'greeting and question': lambda messages: ['oi, tudo bem?', *messages],
    'vocative': _before('mano,'),
    'hesitation': _before('ah,'),
    'laugh': _behind(' kkkk'),
    'emoji': _behind(' 🙏'),
    'tag': _behind(', tá?'),
    'lower case': lambda messages: [message.lower() for message in messages],
    'no accents': lambda messages: [_without_accents(message) for message in messages],
    'one message': lambda messages: ['\n'.join(messages)],
}


def _heard(messages: list[str], asked: str | None, profile: UserProfileData) -> Understanding:
    return understand(messages, asked=asked, profile=profile, today=TODAY)


@pytest.mark.parametrize('noise', NOISES)
def test_what_surrounds_a_turn_changes_nothing_that_it_says(noise: str) -> None:
    changed: list[str] = []
    for dialogue in DIALOGUES:
        profile = UserProfileData()
        for turn in dialogue.turns:
            plain = _heard(turn.messages, turn.agent, profile)
            noisy = _heard(NOISES[noise](turn.messages), turn.agent, profile)
            slots = [change for change in plain.changes if change.field != 'name']
            if slots != [change for change in noisy.changes if change.field != 'name'] or (
                (plain.consent, plain.person, plain.opt_out, plain.erasure, plain.choice)
                != (noisy.consent, noisy.person, noisy.opt_out, noisy.erasure, noisy.choice)
            ):
                changed.append(f'{dialogue.id}: {turn.messages}')
            profile = profile.patch(plain.changes).profile

    assert changed == []
