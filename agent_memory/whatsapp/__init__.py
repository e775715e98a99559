"""The WhatsApp channel: a webhook, workers and a sender that lose no message and answer each once."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent_memory.backend._channel import Pace
    from agent_memory.whatsapp._agents import answered_by
    from agent_memory.whatsapp._outbound import ButtonsMessage, ListMessage, Row, TextMessage
    from agent_memory.whatsapp._reception import Fixed, Reception, Wording
    from agent_memory.whatsapp.dispatcher import Answer, Dispatcher
    from agent_memory.whatsapp.media import GraphMedia, MediaUnavailable, OpenAITranscriber, Transcriber
    from agent_memory.whatsapp.sender import GraphSender, Recipient, Sender, SendResult
    from agent_memory.whatsapp.webhook import Webhook

__all__ = [
    'Answer',
    'ButtonsMessage',
    'Dispatcher',
    'Fixed',
    'GraphMedia',
    'GraphSender',
    'ListMessage',
    'MediaUnavailable',
    'OpenAITranscriber',
    'Pace',
    'Reception',
    'Recipient',
    'Row',
    'SendResult',
    'Sender',
    'TextMessage',
    'Transcriber',
    'Webhook',
    'Wording',
    'answered_by',
]

# A process that only takes messages in should not pay for Pydantic AI: each name is imported when it is first used.
_HOMES = {
    '_agents': ('answered_by',),
    '_outbound': ('ButtonsMessage', 'ListMessage', 'Row', 'TextMessage'),
    '_reception': ('Fixed', 'Reception', 'Wording'),
    'dispatcher': ('Answer', 'Dispatcher'),
    'media': ('GraphMedia', 'MediaUnavailable', 'OpenAITranscriber', 'Transcriber'),
    'sender': ('GraphSender', 'Recipient', 'SendResult', 'Sender'),
    'webhook': ('Pace', 'Webhook'),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(importlib.import_module(f'{__name__}.{_HOME_OF[name]}'), name)


def __dir__() -> list[str]:
    return __all__
