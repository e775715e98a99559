"""pywa as an oracle: it and our sender tell the same Graph API the same things, and the fake one answers both."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, cast

import httpx
import httpx2
import pytest
from pywa.types.callback import Button, Section, SectionList, SectionRow
from pywa_async.client import WhatsApp
from pywa_async.errors import ReEngagementMessage, TooManyMessages

from agent_memory.testing.graph import FakeGraph, Problem
from agent_memory.whatsapp import ButtonsMessage, GraphSender, ListMessage, Recipient, Row, TextMessage

ANA = '5511987650001'
TO = Recipient(wa_id=ANA)
ROWS = [('suv', 'SUV', 'Espaço e altura'), ('hatch', 'Hatch', None)]


@dataclass
class Recorded(FakeGraph):
    """Keeps what it was asked."""

    bodies: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    async def answer(self, method: str, path: str, authorization: str, body: bytes) -> httpx2.Response:
        self.bodies.append({'path': path.split('/', 2)[2], **json.loads(body)})
        return await super().answer(method, path, authorization, body)


@dataclass
class Two:
    """Both clients of one Graph API."""

    graph: Recorded
    ours: GraphSender
    theirs: Any


@pytest.fixture
async def two() -> AsyncIterator[Two]:
    graph = Recorded()
    ours = GraphSender.to_number(graph.phone_number_id, graph.token, transport=graph.transport())
    session = httpx.AsyncClient(
        transport=httpx.ASGITransport(cast('Any', graph)), base_url='https://graph.facebook.com'
    )
    theirs = WhatsApp(graph.phone_number_id, graph.token.get_secret_value(), session=session)
    session.base_url = httpx.URL('https://graph.facebook.com/v26.0/')
    yield Two(graph, ours, theirs)
    await ours.aclose()
    await session.aclose()


def _buttons() -> list[Button]:
    return [Button('Aceito', callback_data='consent:yes'), Button('Agora não', callback_data='consent:no')]


def _rows() -> SectionList:
    rows = [SectionRow(title, callback_data=id_, description=description) for id_, title, description in ROWS]
    return SectionList('Ver tipos', [Section('Tipos', rows)])


Call = Callable[[Any], Awaitable[object]]
CASES: dict[str, tuple[Call, Call]] = {
    'a text': (
        lambda ours: ours.send(TO, TextMessage('Você tem Onix? 🚗')),
        lambda theirs: theirs.send_message(ANA, 'Você tem Onix? 🚗'),
    ),
    'a text with a quote, a link and opaque data': (
        lambda ours: ours.send(TO, TextMessage('https://x.br', preview_url=True), opaque='t.1', reply_to='wamid.0'),
        lambda theirs: theirs.send_message(
            ANA, 'https://x.br', preview_url=True, tracker='t.1', reply_to_message_id='wamid.0'
        ),
    ),
    'a text to a user id': (
        lambda ours: ours.send(Recipient(bsuid='BR.1350208655302741918'), TextMessage('oi')),
        lambda theirs: theirs.send_message('BR.1350208655302741918', 'oi'),
    ),
    'buttons': (
        lambda ours: ours.send(
            TO, ButtonsMessage('Pode ser?', {'consent:yes': 'Aceito', 'consent:no': 'Agora não'}, footer='LGPD')
        ),
        lambda theirs: theirs.send_message(ANA, 'Pode ser?', footer='LGPD', buttons=_buttons()),
    ),
    'a list': (
        lambda ours: ours.send(TO, ListMessage('Qual?', 'Ver tipos', {'Tipos': [Row(*row) for row in ROWS]})),
        lambda theirs: theirs.send_message(ANA, 'Qual?', buttons=_rows()),
    ),
    'a read receipt': (
        lambda ours: ours.read('wamid.1'),
        lambda theirs: theirs.mark_message_as_read('wamid.1'),
    ),
    'a typing indicator': (
        lambda ours: ours.read('wamid.1', typing=True),
        lambda theirs: theirs.indicate_typing('wamid.1'),
    ),
}


@pytest.mark.parametrize('case', CASES)
async def test_our_sender_asks_what_pywa_asks(two: Two, case: str) -> None:
    ours, theirs = CASES[case]
    await ours(two.ours)
    await theirs(two.theirs)
    first, second = map(_without_defaults, two.graph.bodies)
    assert first == second


async def test_pywa_understands_the_answers_of_the_fake_graph(two: Two) -> None:
    sent = await two.theirs.send_message(ANA, 'oi')
    assert sent.id == two.graph.seen[0].wamid
    assert (await two.theirs.mark_message_as_read('wamid.1')).success
    two.graph.fail(Problem(131056), Problem(131047))
    with pytest.raises(TooManyMessages):
        await two.theirs.send_message(ANA, 'oi')
    with pytest.raises(ReEngagementMessage):
        await two.theirs.send_message(ANA, 'oi')
    assert two.graph.texts() == ['oi']


def _without_defaults(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body without what the API takes for granted: each client leaves out other defaults."""
    text = body.get('text')
    if text and text.get('preview_url') is False:
        body = {**body, 'text': {'body': text['body']}}
    return {name: value for name, value in body.items() if value is not None}
