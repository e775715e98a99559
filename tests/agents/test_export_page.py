"""The page that a person gets says what is kept, what for, and who was given it."""

from __future__ import annotations

from agent_memory.agents._export_page import export_page


def test_the_page_says_what_data_is_used_for_and_who_got_it() -> None:
    page = export_page(
        {
            'open_session': {'profile': {'name': 'Ana <b>'}},
            'purposes': {'service': 'contract', 'sharing': 'consent'},
            'events': [
                {'kind': 'handoff', 'at': '2026-11-20T12:00:00Z'},
                {'kind': 'state', 'at': '2026-11-20T12:00:00Z'},
            ],
            'consents': [],
            'requests': [],
            'audit': [],
            'turns': [],
        },
        at='2026-11-27T12:00:00+00:00',
    )

    assert 'atendimento: a seu pedido, antes de um contrato' in page
    assert 'compartilhamento com a loja: só com o seu consentimento' in page
    assert page.count('uma pessoa da loja, para continuar a conversa') == 1
    assert 'Ana &lt;b&gt;' in page
