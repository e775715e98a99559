from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from agent_memory.errors import InvalidInput
from agent_memory.whatsapp._outbound import (
    ButtonsMessage,
    ListMessage,
    Outbound,
    Row,
    TextMessage,
    length,
    markup,
    split,
    texts,
)

_ROWS = [Row(str(place), f'Carro {place}') for place in range(11)]


def test_a_message_with_buttons_is_what_the_api_documents() -> None:
    message = ButtonsMessage('Posso guardar seus dados?', {'yes': 'Aceito', 'no': 'Não'}, footer='LGPD')
    assert message.payload() == snapshot(
        {
            'type': 'interactive',
            'interactive': {
                'type': 'button',
                'body': {'text': 'Posso guardar seus dados?'},
                'action': {
                    'buttons': [
                        {'type': 'reply', 'reply': {'id': 'yes', 'title': 'Aceito'}},
                        {'type': 'reply', 'reply': {'id': 'no', 'title': 'Não'}},
                    ]
                },
                'footer': {'text': 'LGPD'},
            },
        }
    )


def test_a_list_is_what_the_api_documents() -> None:
    message = ListMessage('Qual?', 'Ver carros', {'SUV': [Row('1', 'Creta', '2020')], 'Hatch': [Row('2', 'Onix')]})
    assert message.payload()['interactive']['action'] == snapshot(
        {
            'button': 'Ver carros',
            'sections': [
                {'title': 'SUV', 'rows': [{'id': '1', 'title': 'Creta', 'description': '2020'}]},
                {'title': 'Hatch', 'rows': [{'id': '2', 'title': 'Onix'}]},
            ],
        }
    )


@pytest.mark.parametrize(
    'make',
    [
        lambda: TextMessage(' '),
        lambda: TextMessage('a' * 4097),
        lambda: TextMessage('🚗' * 2049),
        lambda: ButtonsMessage('a' * 1025, {'a': 'A'}),
        lambda: ButtonsMessage('oi', {}),
        lambda: ButtonsMessage('oi', {str(n): str(n) for n in range(4)}),
        lambda: ButtonsMessage('oi', {'a': 'a' * 21}),
        lambda: ButtonsMessage('oi', {'a' * 257: 'A'}),
        lambda: ButtonsMessage('oi', {'a': 'Sim', 'b': 'Sim'}),
        lambda: ButtonsMessage('oi', {'a': 'Sim'}, footer='f' * 61),
        lambda: ListMessage('oi', 'b' * 21, {'': _ROWS[:1]}),
        lambda: ListMessage('oi', 'Ver', {'': _ROWS}),
        lambda: ListMessage('oi', 'Ver', {'A': _ROWS[:6], 'B': _ROWS[6:]}),
        lambda: ListMessage('oi', 'Ver', {'': _ROWS[:1], 'B': _ROWS[1:2]}),
        lambda: ListMessage('oi', 'Ver', {'A': _ROWS[:1], 'B': _ROWS[:1]}),
        lambda: ListMessage('oi', 'Ver', {'A': []}),
        lambda: Row('1', 't' * 25),
        lambda: Row('1', 't', 'd' * 73),
    ],
)
def test_what_whatsapp_would_refuse_is_refused_before_it_is_sent(make: Callable[[], Outbound]) -> None:
    with pytest.raises(InvalidInput):
        make()


@pytest.mark.parametrize(
    ('body', 'parts'),
    [
        ('um\n\ndois três', ['um', 'dois três']),
        ('um dois\ntrês quatro', ['um dois', 'três', 'quatro']),
        ('Um dois. Três.', ['Um dois.', 'Três.']),
        ('abcdefghijklmno', ['abcdefghij', 'klmno']),
        ('🚗🚗🚗🚗🚗🚗', ['🚗🚗🚗🚗🚗', '🚗']),
        ('', []),
    ],
)
def test_a_long_text_is_cut_where_it_reads_best(body: str, parts: list[str]) -> None:
    assert split(body, 10) == parts


@given(st.text(alphabet=st.sampled_from('ab \n.é🚗'), max_size=200), st.integers(4, 20))
def test_no_part_is_too_long_and_no_word_is_lost(body: str, limit: int) -> None:
    parts = split(body, limit)
    assert all(0 < length(part) <= limit for part in parts)
    assert ''.join(''.join(parts).split()) == ''.join(body.split())


def test_markdown_is_written_as_whatsapp_shows_it() -> None:
    text = '## Carros\n**Onix** 2020, ~~R$ 60 mil~~ [fotos](https://loja.example/1)\n- *lindo*'
    assert markup(text) == '*Carros*\n*Onix* 2020, ~R$ 60 mil~ fotos: https://loja.example/1\n- *lindo*'


def test_a_reply_over_the_limit_becomes_several_messages() -> None:
    assert [len(message.body) for message in texts('a' * 5000)] == [4096, 904]
