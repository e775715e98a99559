"""Files that people send: fetched from Meta's hosts only, checked, and voice messages written down."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import anyio
import httpx2

from agent_memory.errors import AgentMemoryError
from agent_memory.session import Attachment
from agent_memory.whatsapp._graph import Answer, GraphApi
from agent_memory.whatsapp._reading import text

if TYPE_CHECKING:
    import openai

MAX_FILE = 16 * 1024 * 1024
"""Most bytes of one audio or video (Cloud API, media)."""
_PATIENCE_S = 10
_HOSTS = ('fbsbx.com', 'fbcdn.net', 'facebook.com', 'whatsapp.net')
"""Where Meta serves files. Nobody else may be shown the token, whatever a response says."""


class MediaUnavailable(AgentMemoryError):
    """A file could not be fetched, is too large, or is not what its checksum says."""


class Transcriber(Protocol):
    """Writes down what is said in a recording."""

    async def transcribe(self, sound: bytes, *, mime_type: str) -> str:
        """Return the words, empty when there are none."""
        ...


class MediaSource(Protocol):
    """Where attachments come from."""

    async def download(self, attachment: Attachment) -> bytes:
        """Return the file's bytes.

        Raises:
            MediaUnavailable: It cannot be had.
        """
        ...


@dataclass(frozen=True)
class GraphMedia:
    """Downloads the files of one business number."""

    api: GraphApi

    async def download(self, attachment: Attachment) -> bytes:
        """Return the file's bytes, at most 16 MB, within 10 s.

        Raises:
            MediaUnavailable: It cannot be had, or is not the file that was announced.
        """
        content = b''
        with anyio.move_on_after(_PATIENCE_S) as patience:
            content = await self._fetch(await self._url(attachment.id))
        if patience.cancelled_caught:
            raise MediaUnavailable(f'the file did not come within {_PATIENCE_S} s')
        if attachment.sha256 is not None and not _is(content, attachment.sha256):
            raise MediaUnavailable('the file is not the one that was announced: its checksum differs')
        return content

    async def _url(self, id_: str) -> str:
        answer = await self.api.get(id_)
        url = text(answer.body.get('url')) if isinstance(answer, Answer) else None
        if url is None:
            raise MediaUnavailable(f'the Graph API names no address of the file ({type(answer).__name__})')
        parts = urlsplit(url)
        host = parts.hostname or ''
        if parts.scheme != 'https' or not any(host == own or host.endswith(f'.{own}') for own in _HOSTS):
            raise MediaUnavailable('the address of the file is not one of Meta')
        return url

    async def _fetch(self, url: str) -> bytes:
        content = bytearray()
        try:
            async with self.api.client.stream('GET', url, headers=self.api.headers, follow_redirects=False) as response:
                if response.status_code != 200:
                    raise MediaUnavailable(f'the file is answered with HTTP {response.status_code}')
                async for part in response.aiter_bytes():
                    content += part
                    if len(content) > MAX_FILE:
                        raise MediaUnavailable(f'the file has more than {MAX_FILE} bytes')
        except httpx2.RequestError as error:
            raise MediaUnavailable(f'the file did not come ({type(error).__name__})') from error
        return bytes(content)


@dataclass(frozen=True)
class OpenAITranscriber:
    """Writes recordings down with a speech model of OpenAI."""

    client: openai.AsyncOpenAI
    model: str = 'gpt-4o-mini-transcribe'
    language: str | None = 'pt'

    async def transcribe(self, sound: bytes, *, mime_type: str) -> str:
        """Return the words.

        Raises:
            MediaUnavailable: The model did not answer or refused the recording.
        """
        import openai  # takes a second, which a worker without it should not pay

        kind = mime_type.partition(';')[0].strip() or 'audio/ogg'
        recording = (f'recording.{kind.rpartition("/")[2]}', sound, kind)
        try:
            heard = await self.client.audio.transcriptions.create(
                file=recording, model=self.model, language=self.language or openai.omit
            )
        except openai.OpenAIError as error:
            raise MediaUnavailable(f'the recording could not be written down ({type(error).__name__})') from error
        return heard.text.strip()


def _is(content: bytes, sha256: str) -> bool:
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return hmac.compare_digest(digest.encode(), sha256.encode())
