"""An operator takes a conversation over and gives it back: real server, real history, WhatsApp faked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent_memory._turns import Turn
from agent_memory.cli._muting import run_mute, run_unmute
from agent_memory.errors import InvalidInput
from agent_memory.session import Inbound
from agent_memory.turn import HandOver
from tests.whatsapp.channel import ANA, Whatsapp, whatsapp

USER = 'BR.1350208655302741918'


@pytest.fixture(autouse=True)
def shared_redis(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('AGENT_MEMORY_REDIS_URL', redis_url)


async def heard(channel: Whatsapp, text: str) -> list[str]:
    """Have Ana, who has a username, write, and return what she is sent."""
    before = len(channel.graph.seen)
    await channel.deliver({**channel.graph.says('', text), 'from_user_id': USER, 'id': f'wamid.{text}'})
    await channel.work()
    return channel.graph.texts()[before:]


async def test_an_operator_mutes_the_agent_for_one_contact_and_lets_it_speak_again(
    redis_url: str, tmp_path: Path
) -> None:
    async with whatsapp(redis_url, data=tmp_path) as channel:
        assert await heard(channel, 'oi') == ['Você disse: oi']
        # Her phone is seen later; both names lead to her.
        await channel.deliver({**channel.graph.says(ANA, 'meu telefone'), 'from_user_id': USER})
        await channel.work()
        await run_mute(contact=f'+{ANA}', hours=1, data=tmp_path)
        assert await heard(channel, 'alô?') == []
        await run_unmute(contact=USER, data=tmp_path)
        assert await heard(channel, 'e agora?') == ['Você disse: e agora?']
        with pytest.raises(InvalidInput, match='nobody had muted'):
            await run_unmute(contact=f'+{ANA}', data=tmp_path)


async def test_a_conversation_that_was_handed_over_is_given_back(redis_url: str, tmp_path: Path) -> None:
    async with whatsapp(redis_url, data=tmp_path) as channel:
        repeats = channel.dispatcher.answer

        async def hand_over(turn: Turn[Any], inbound: Inbound) -> None:
            await turn.commit(reply='Já chamo alguém.', actions=[HandOver(reason='pedido do cliente')])

        channel.dispatcher.answer = hand_over
        assert await heard(channel, 'quero uma pessoa') == ['Já chamo alguém.']
        channel.dispatcher.answer = repeats
        assert await heard(channel, 'alô?') == []
        await run_unmute(contact=USER, data=tmp_path)
        assert await heard(channel, 'voltei') == ['Você disse: voltei']
