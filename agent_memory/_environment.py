"""`Environment`: settings from variables, or from a directory of secrets with a file for each."""

from __future__ import annotations

import os
from typing import ClassVar

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

from agent_memory.errors import SetupError

SECRETS_DIR = 'AGENT_MEMORY_SECRETS_DIR'


class Environment(BaseSettings):
    """Reads `AGENT_MEMORY_...` variables; what none sets is read from the file of that name, in small letters.

    `AGENT_MEMORY_SECRETS_DIR` names the files' directory, such as `/run/secrets` of Docker and Kubernetes.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(frozen=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del dotenv_settings, file_secret_settings
        directory = os.environ.get(SECRETS_DIR)
        if not directory:
            return init_settings, env_settings
        if not os.path.isdir(directory):
            raise SetupError(f'{SECRETS_DIR} is no directory: give the one that holds the secrets, or unset it')
        return init_settings, env_settings, SecretsSettingsSource(settings_cls, secrets_dir=directory)
