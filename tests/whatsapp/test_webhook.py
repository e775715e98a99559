"""What Meta is answered, and what is stored by then."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from agent_memory.backend._redis import RedisStore
from agent_memory.session import Referral
from agent_memory.testing.graph import FakeGraph
from agent_memory.whatsapp._signature import HEADER
from agent_memory.whatsapp.webhook import MAX_BODY
from tests.servers import valkey
from tests.whatsapp.channel import ANA, BIA, URL, Whatsapp, whatsapp

SHARED = Path(__file__).parents[3] / 'shared' / 'data' / 'whatsapp'


@pytest.fixture
async def channel(redis_url: str) -> AsyncIterator[Whatsapp]:
    async with whatsapp(redis_url) as opened:
        yield opened


async def test_meta_gets_its_challenge_back_for_the_right_token(channel: Whatsapp) -> None:
    query = {'hub.mode': 'subscribe', 'hub.challenge': '1158201444', 'hub.verify_token': 'verify'}
    answer = await channel.http.get(URL, params=query)
    assert (answer.status_code, answer.text, answer.headers['content-type']) == (
        200,
        '1158201444',
        'text/plain; charset=utf-8',
    )
    for wrong in ({'hub.verify_token': 'guess'}, {'hub.mode': 'unsubscribe'}, {'hub.verify_token': 'é'}):
        assert (await channel.http.get(URL, params={**query, **wrong})).status_code == 403
    assert (await channel.http.get(URL)).status_code == 403
    assert (await channel.http.put(URL)).status_code == 405


async def test_an_unsigned_or_changed_delivery_is_refused_and_not_stored(channel: Whatsapp) -> None:
    body = channel.graph.body([channel.graph.says(ANA, 'Você tem Onix?')])
    headers = channel.graph.signature(body)
    again = json.dumps(json.loads(body), ensure_ascii=False).encode()
    for sent, with_ in ((body, {}), (body, {HEADER: 'sha256=00'}), (again, headers), (body[:-1] + b' ', headers)):
        assert (await channel.http.post(URL, content=sent, headers=with_)).status_code == 401
    assert await channel.work() == 0
    assert (await channel.http.post(URL, content=body, headers=headers)).status_code == 200
    assert await channel.work() == 1


async def test_a_delivery_over_4_mib_is_refused(channel: Whatsapp) -> None:
    body = b'x' * (MAX_BODY + 1)
    assert (await channel.http.post(URL, content=body, headers=channel.graph.signature(body))).status_code == 413
    body = b'x' * MAX_BODY
    assert (await channel.http.post(URL, content=body, headers=channel.graph.signature(body))).status_code == 200


async def test_every_message_of_a_batch_is_stored(channel: Whatsapp) -> None:
    items = [channel.graph.says(person, text) for person in (ANA, BIA) for text in ('oi', 'tudo bem?')]
    assert await channel.deliver(*items, batch=4) == [200]
    assert await channel.work() == 2
    assert sorted(channel.asked) == ['oi\ntudo bem?'] * 2


async def test_a_store_that_is_away_is_answered_with_503(tmp_path: Path) -> None:
    async with valkey(tmp_path) as server, whatsapp(server.url) as channel:
        item = channel.graph.says(ANA, 'oi')
        assert isinstance(channel.manager.store, RedisStore)
        await channel.manager.identity()
        server.stop()
        try:
            assert await channel.deliver(item) == [503]
        finally:
            server.cont()
        assert await channel.deliver(item) == [200]
        assert await channel.work() == 1


async def test_a_full_mailbox_is_answered_with_503_until_there_is_room(channel: Whatsapp) -> None:
    items = [channel.graph.says(ANA, f'mensagem {place}') for place in range(51)]
    assert await channel.deliver(*items) == [200] * 50 + [503]
    while await channel.work():
        pass
    assert await channel.deliver(*items) == [200] * 51
    assert await channel.work() == 1
    assert channel.asked[-1] == 'mensagem 50'


async def test_the_webhook_is_one_route_of_any_application(channel: Whatsapp) -> None:
    app = Starlette(routes=[Route('/hooks/whatsapp', channel.webhook)])
    body = channel.graph.body([channel.graph.says(ANA, 'oi')])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app)) as http:
        answer = await http.post('http://x/hooks/whatsapp', content=body, headers=channel.graph.signature(body))
    assert answer.status_code == 200
    assert await channel.work() == 1


async def test_what_is_no_message_is_answered_with_200_and_makes_no_turn(channel: Whatsapp) -> None:
    reaction = channel.graph.item(ANA, {'type': 'reaction', 'reaction': {'message_id': 'wamid.0', 'emoji': '👍'}})
    revoke = channel.graph.item(ANA, {'type': 'revoke', 'revoke': {'original_message_id': 'wamid.0'}})
    group = channel.graph.says(ANA, 'oi') | {'group_id': 'g'}
    nobody = {**channel.graph.says(ANA, 'oi'), 'from': ''}
    status = {'id': 'wamid.0', 'status': 'read', 'biz_opaque_callback_data': 'somebody else’s'}
    assert await channel.deliver(reaction, revoke, group, nobody, status) == [200] * 5
    assert await channel.work() == 0


async def test_a_blank_message_is_a_message(channel: Whatsapp) -> None:
    await channel.deliver(channel.graph.says(ANA, ' \n '))
    await channel.work()
    assert channel.asked == ['[blank message]']


@pytest.mark.parametrize(
    ('referral', 'kept'),
    [
        ({'source_type': 'ad', 'source_id': '120210000000000001'}, Referral(kind='ad', id='120210000000000001')),
        ({'source_type': '', 'source_id': '7', 'headline': 'Onix'}, Referral(kind='unknown', id='7')),
        ({'source_type': 'post', 'source_id': '9' * 257}, Referral(kind='post')),
        ({'headline': 'Onix'}, None),
    ],
)
async def test_where_a_person_came_from_is_kept_with_the_turn(
    channel: Whatsapp, referral: dict[str, str], kept: Referral | None
) -> None:
    await channel.deliver(channel.graph.says(ANA, 'oi') | {'referral': {**referral, 'ctwa_clid': 'names-a-click'}})
    await channel.work()
    contact_id = await channel.manager.contact_id(f'+{ANA}')
    stored = await channel.manager.store.load(contact_id, window=1)
    codec = channel.manager.codec.of(await channel.manager.vault.find(contact_id))
    record = codec.read_turn(stored.turns[0])
    assert record.messages[0].referral == kept
    assert 'names-a-click' not in record.model_dump_json()


async def test_a_full_mailbox_keeps_nobody_elses_message_out(channel: Whatsapp) -> None:
    await channel.deliver(*[channel.graph.says(ANA, f'mensagem {place}') for place in range(50)])
    both = [channel.graph.says(ANA, 'mais uma'), channel.graph.says(BIA, 'oi')]
    assert await channel.deliver(*both, batch=2) == [503]
    await channel.work()
    assert 'oi' in channel.asked


@pytest.mark.skipif(not SHARED.exists(), reason='the collected payloads are not part of the repository')
async def test_collected_payloads_are_all_answered_with_200(redis_url: str) -> None:
    graph = FakeGraph()
    async with whatsapp(redis_url, graph=graph) as channel:
        codes: dict[str, int] = {}
        for folder in ('inbound', 'captured'):
            for file in sorted((SHARED / folder).glob('*.json')):
                body = file.read_bytes()
                answer = await channel.http.post(URL, content=body, headers=graph.signature(body))
                codes[file.name] = answer.status_code
    assert set(codes.values()) == {200}
    assert len(codes) > 90
