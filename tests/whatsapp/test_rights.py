"""A right over one's own data can be claimed where no agent answers: after an opt-out, and while a person does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from agent_memory._turns import Turn
from agent_memory.cli._channel import RECEPTION
from agent_memory.session import Inbound
from agent_memory.turn import HandOver
from tests.whatsapp.channel import ANA, Whatsapp, whatsapp


@pytest.fixture
async def channel(redis_url: str) -> AsyncIterator[Whatsapp]:
    async with whatsapp(redis_url) as opened:
        opened.dispatcher.reception = RECEPTION
        yield opened


async def converse(channel: Whatsapp, text: str) -> list[str]:
    before = len(channel.graph.seen)
    await channel.deliver(channel.graph.says(ANA, text, at=channel.graph.clock()))
    await channel.work()
    return list(channel.graph.texts()[before:])


async def requests(channel: Whatsapp) -> list[str]:
    session = await channel.manager.get_session(f'+{ANA}')
    assert session is not None
    return list(session.requests)


async def test_who_opted_out_is_told_that_their_claim_was_taken_and_nothing_else(channel: Whatsapp) -> None:
    await converse(channel, 'parar')

    assert await converse(channel, 'oi') == []
    [reply] = await converse(channel, 'quero saber quais dados meus vocês guardam')

    assert 'em até 15 dias' in reply
    assert await requests(channel) == ['opt_out', 'access']
    [reply] = await converse(channel, 'apaguem os meus dados')
    assert 'exclusão' in reply
    assert channel.asked == []


async def test_a_claim_is_recorded_while_a_person_answers_and_left_for_them_to_answer(channel: Whatsapp) -> None:
    async def answer(turn: Turn[Any], inbound: Inbound) -> None:
        await turn.commit(reply='Já chamo alguém.', actions=[HandOver(reason='pedido do cliente')])

    channel.dispatcher.answer = answer
    await converse(channel, 'quero falar com alguém')

    assert await converse(channel, 'e corrijam o meu cadastro, está errado') == []

    assert await requests(channel) == ['correction']


async def test_a_refusal_that_is_tapped_after_an_opt_out_counts_in_silence(channel: Whatsapp) -> None:
    await converse(channel, 'parar')

    await channel.deliver(channel.graph.taps(ANA, 'consent:marketing:2026-11:no', 'Não'))
    await channel.work()

    session = await channel.manager.get_session(f'+{ANA}')
    assert session is not None
    assert session.consents['marketing'].at is not None
    assert len(channel.graph.texts()) == 1
