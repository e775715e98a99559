"""The lead agent on WhatsApp: what `serve` and `simulate` put together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic_ai.capabilities import AbstractCapability

from agent_memory.agents import _replies as replies
from agent_memory.agents import lead_agent
from agent_memory.agents._rights import read_claims
from agent_memory.agents.catalogue import open_catalogue
from agent_memory.backend._channel import Pace
from agent_memory.capability import SessionMemory
from agent_memory.cli._consent import CHOICES, composed
from agent_memory.errors import SetupError
from agent_memory.lead import UserProfileData
from agent_memory.manager import SessionManager
from agent_memory.session import Inbound, SessionData
from agent_memory.settings import MemorySettings
from agent_memory.turn import Ask
from agent_memory.whatsapp import (
    Dispatcher,
    Fixed,
    GraphMedia,
    GraphSender,
    OpenAITranscriber,
    Reception,
    Transcriber,
    Webhook,
    Wording,
    answered_by,
)
from agent_memory.whatsapp._settings import WhatsAppSettings

BATCH = Pace().most


def _claimed(texts: Sequence[str], session: SessionData[Any]) -> Fixed | None:
    """Return the answer to who claims a right over their data where no agent reads it."""
    claims = read_claims(texts, session.profile)
    return claims and Fixed(claims.reply, tuple(Ask(request=request) for request in claims.requests))


RECEPTION = Reception(
    Wording(
        opted_out=replies.OPTED_OUT,
        opted_in=replies.OPTED_IN,
        ask_for_text=replies.ASK_FOR_TEXT,
    ),
    choices=CHOICES,
    claims=_claimed,
)


def webhook_of(manager: SessionManager[UserProfileData], settings: WhatsAppSettings) -> Webhook:
    """Return the webhook of the business's number."""
    pace = Pace(quiet=settings.quiet, cap=settings.cap)
    return Webhook(manager, settings.verify_token, settings.secrets(), RECEPTION, pace=pace, mute_for=settings.mute_for)


def dispatcher_of(
    manager: SessionManager[UserProfileData],
    settings: WhatsAppSettings,
    sender: GraphSender,
    model: str,
    *,
    catalogue: str | Path | None,
) -> Dispatcher:
    """Return a worker that answers with the lead agent and sends through `sender`.

    Without a catalogue it shows no cars: those that are invented for trying out are for no customer.
    """
    cars = open_catalogue(catalogue) if catalogue else None
    number = settings.phone_number_id
    return Dispatcher(
        manager,
        {number: sender},
        answered_by(lead_agent(SessionMemory(manager), model, catalogue=cars, watches=_watches())),
        RECEPTION,
        _transcriber(settings),
        {number: GraphMedia(sender.api)},
        composed,
    )


def _watches() -> list[AbstractCapability[Inbound]]:
    """Return the evaluation of live turns, if the environment asks for one."""
    settings = MemorySettings()
    if not settings.evaluate:
        return []
    try:
        from agent_memory.evals._car_claims import unsupported_claims
        from agent_memory.evals.online import live_evaluation
    except ImportError as error:
        raise SetupError(f'AGENT_MEMORY_EVALUATE is set, but {error}') from error
    return [live_evaluation(settings.evaluate, claims=unsupported_claims, judge=settings.judge_model)]


def _transcriber(settings: WhatsAppSettings) -> Transcriber | None:
    if settings.speech_model is None:
        return None
    import openai

    return OpenAITranscriber(openai.AsyncOpenAI(), settings.speech_model)
