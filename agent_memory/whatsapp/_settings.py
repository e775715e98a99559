"""`WhatsAppSettings`: what the environment says of the business's number."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from agent_memory._environment import Environment
from agent_memory.backend._channel import Pace
from agent_memory.errors import SetupError


class WhatsAppSettings(Environment):
    """Everything that the environment decides of the channel, as `AGENT_MEMORY_WHATSAPP_...`."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(env_prefix='AGENT_MEMORY_WHATSAPP_', frozen=True)

    phone_number_id: str = ''
    token: SecretStr = SecretStr('')
    """Of a system user; sends messages and fetches files."""
    app_secrets: SecretStr = SecretStr('')
    """What deliveries are signed with; several, separated by commas, while a secret is rotated."""
    verify_token: SecretStr = SecretStr('')
    """What Meta proves itself with when the webhook is set up; any text of your own."""
    graph_url: str = 'https://graph.facebook.com'
    graph_version: str = 'v25.0'
    quiet: timedelta = Pace().quiet
    """A turn waits until the person wrote nothing for so long."""
    cap: timedelta = Pace().cap
    """But no longer than this after the first message."""
    mute_for: timedelta = timedelta(hours=12)
    """How long the agent is silent after somebody of the business wrote by hand."""
    rate: float = Field(default=80, gt=0)
    """Most messages a second that this process sends. Meta takes 80 of a number, 20 of one that is used in the app too."""
    speech_model: str | None = None
    """OpenAI's model that writes voice messages down; without one people are asked for text."""

    def secrets(self) -> list[SecretStr]:
        """Return the app secrets."""
        return [SecretStr(one.strip()) for one in self.app_secrets.get_secret_value().split(',') if one.strip()]

    def check(self, *needed: str) -> None:
        """Check that what a role needs is set.

        Raises:
            SetupError: Something is missing; names the variables.
        """
        missing = [name for name in needed if not str(_open(getattr(self, name)))]
        if missing:
            names = ', '.join(f'AGENT_MEMORY_WHATSAPP_{name.upper()}' for name in missing)
            raise SetupError(f'WhatsApp is not set up: {names} must be set')


def _open(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
