"""Files come from Meta's hosts only, whole and as announced."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import openai
import pytest
from pydantic import SecretStr

from agent_memory.session import Attachment
from agent_memory.testing.graph import FakeGraph
from agent_memory.whatsapp._graph import GraphApi, make_client
from agent_memory.whatsapp.media import MAX_FILE, GraphMedia, MediaUnavailable, OpenAITranscriber

SOUND = b'OggS...'


@pytest.fixture
def graph() -> FakeGraph:
    return FakeGraph()


@pytest.fixture
async def media(graph: FakeGraph) -> AsyncIterator[GraphMedia]:
    async with make_client(graph.transport()) as client:
        yield GraphMedia(GraphApi(graph.phone_number_id, graph.token, client))


def recording(graph: FakeGraph, sound: bytes = SOUND) -> Attachment:
    audio = graph.sends_voice('5511987650001', sound)['audio']
    return Attachment(kind='audio', id=audio['id'], mime_type=audio['mime_type'], sha256=audio['sha256'])


async def test_a_file_is_fetched_and_checked(graph: FakeGraph, media: GraphMedia) -> None:
    announced = recording(graph)
    assert await media.download(announced) == SOUND
    graph.media[announced.id] = ('audio/ogg', b'something else')
    with pytest.raises(MediaUnavailable, match='checksum'):
        await media.download(announced)


async def test_a_file_that_is_gone_or_too_large_is_unavailable(graph: FakeGraph, media: GraphMedia) -> None:
    with pytest.raises(MediaUnavailable, match='no address'):
        await media.download(Attachment(kind='audio', id='404'))
    with pytest.raises(MediaUnavailable, match='more than'):
        await media.download(recording(graph, b'x' * (MAX_FILE + 1)))


@pytest.mark.parametrize(
    'url',
    [
        'https://evil.example/files/1',
        'https://fbsbx.com.evil.example/1',
        'https://evilfbsbx.com/1',
        'http://lookaside.fbsbx.com/1',
        'https://lookaside.fbsbx.com@evil.example/1',
    ],
)
async def test_the_token_is_shown_to_nobody_but_meta(url: str) -> None:
    shown: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        shown.append(request.url.host)
        return httpx2.Response(200, json={'url': url})

    async with make_client(httpx2.MockTransport(answer)) as client:
        media = GraphMedia(GraphApi('1', SecretStr('secret'), client))
        with pytest.raises(MediaUnavailable, match='not one of Meta'):
            await media.download(Attachment(kind='audio', id='1'))
    assert shown == ['graph.facebook.com']


async def test_openai_is_sent_the_recording_and_its_language() -> None:
    bodies: list[bytes] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        assert request.url.path == '/v1/audio/transcriptions'
        bodies.append(request.read())
        return httpx2.Response(200, json={'text': ' quero um SUV '})

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as http:
        client = openai.AsyncOpenAI(api_key='k', http_client=http)
        heard = await OpenAITranscriber(client).transcribe(SOUND, mime_type='audio/ogg; codecs=opus')
    assert heard == 'quero um SUV'
    assert all(part in bodies[0] for part in (SOUND, b'recording.ogg', b'gpt-4o-mini-transcribe', b'pt'))


async def test_a_model_that_refuses_makes_the_recording_unavailable() -> None:
    refuse = httpx2.MockTransport(lambda _: httpx2.Response(400, json={'error': {'message': 'no'}}))
    async with httpx2.AsyncClient(transport=refuse) as http:
        client = openai.AsyncOpenAI(api_key='k', http_client=http, max_retries=0)
        with pytest.raises(MediaUnavailable, match='BadRequestError'):
            await OpenAITranscriber(client).transcribe(SOUND, mime_type='')
