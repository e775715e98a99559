"""The WhatsApp channel: a webhook, workers and a sender that lose no message and answer each once."""

from agent_memory.whatsapp._agents import answered_by
from agent_memory.whatsapp._outbound import ButtonsMessage, ListMessage, Row, TextMessage
from agent_memory.whatsapp._reception import Fixed, Reception, Wording
from agent_memory.whatsapp.dispatcher import Answer, Dispatcher
from agent_memory.whatsapp.media import GraphMedia, OpenAITranscriber, Transcriber
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
    'OpenAITranscriber',
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
