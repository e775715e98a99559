"""The chat, run as its own process on the embedded server and a real history file."""

from __future__ import annotations

from pathlib import Path

from agent_memory import CAR_LEAD, MemorySettings
from agent_memory.history import PastSession
from tests.cli.commands import chat, run, talking

CONTACT = '+5511999990000'


async def history(data: Path) -> list[PastSession]:
    async with MemorySettings(data_dir=data).open(CAR_LEAD) as memory:
        await memory.archiver.drain()
        return await memory.manager.get_user_history(CONTACT)


def test_the_chat_shows_what_it_understood(tmp_path: Path) -> None:
    shown = chat(tmp_path, 'oi', 'tenho até 60 mil, moro em Campinas')

    assert 'agent>' in shown
    assert 'budget_max' in shown
    assert '60000' in shown
    assert 'Campinas' in shown
    assert 'collecting_profile' in shown
    assert 'budget 30/30' in shown


def test_the_conversation_goes_on_after_leaving(tmp_path: Path) -> None:
    chat(tmp_path, 'tenho até 60 mil')

    shown = chat(tmp_path, 'moro em Campinas')

    before_the_first_word = shown.split('you>')[0]
    assert '60000' in before_the_first_word
    assert 'Campinas' in shown


def test_contacts_do_not_share_a_conversation(tmp_path: Path) -> None:
    chat(tmp_path, 'tenho até 60 mil')

    assert '60000' not in chat(tmp_path, 'oi', contact='+5511999990001')


async def test_a_killed_chat_loses_nothing(tmp_path: Path) -> None:
    with talking(tmp_path) as talk:
        talk.say('tenho até 60 mil, moro em Campinas', until='budget 30/30')
        talk.kill()

    shown = chat(tmp_path, 'quero um Fiat')

    assert '60000' in shown.split('you>')[0]
    [session] = await history(tmp_path)
    assert [line.content for line in session.messages if line.role == 'user'] == [
        'tenho até 60 mil, moro em Campinas',
        'quero um Fiat',
    ]
    assert session.turn == 2


async def test_starting_over_opens_a_new_session(tmp_path: Path) -> None:
    shown = chat(tmp_path, 'tenho até 60 mil', 'recomeçar', 'oi')

    assert '60000' not in shown.split('recomeçar')[1].split('you>')[1]
    newest, oldest = await history(tmp_path)
    assert (oldest.reason, newest.reason) == ('restart', 'open')
    assert oldest.profile['budget_max'] == 60000


def test_two_chats_share_a_data_directory(tmp_path: Path) -> None:
    with talking(tmp_path) as first:
        first.say('tenho até 60 mil', until='budget 30/30')
        second = chat(tmp_path, 'moro em Campinas')
        shown = first.say('quero um Fiat', until='budget 30/30')
        rest = first.leave()

    assert 'Another process keeps the history' in second
    assert '60000' in second
    assert 'Campinas' in second
    assert 'Campinas' in shown
    assert 'Traceback' not in rest


def test_bad_messages_are_refused_and_the_chat_goes_on(tmp_path: Path) -> None:
    shown = chat(tmp_path, '   ', 'x' * 10_000, 'tenho até 60 mil')

    assert 'Nothing was sent: the message is empty.' in shown
    assert 'Not sent: text: String should have at most 4096 characters' in shown
    assert '60000' in shown


def test_a_bad_phone_is_one_sentence(tmp_path: Path) -> None:
    done = run('chat', '--data', str(tmp_path), '--contact', '12')

    assert done.returncode == 1
    assert done.stderr.startswith('agent-memory: not a phone number or a WhatsApp user id')
    assert 'Traceback' not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_redis_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    done = run('chat', '--data', str(tmp_path), AGENT_MEMORY_REDIS_URL='redis://127.0.0.1:1')

    assert done.returncode == 1
    assert done.stderr.startswith('agent-memory: Redis does not answer')
    assert 'Traceback' not in done.stderr


def test_an_unusable_data_directory_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / 'file'
    file.write_text('mine')

    done = run('chat', '--data', str(file))

    assert done.returncode == 1
    assert 'choose another' in done.stderr
    assert 'Traceback' not in done.stderr
    assert file.read_text() == 'mine'
