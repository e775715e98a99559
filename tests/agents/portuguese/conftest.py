from collections.abc import Sequence
from datetime import date
from typing import Any, Protocol

import pytest

from agent_memory.agents.portuguese import understand
from agent_memory.lead import UserProfileData

TODAY = date(2026, 3, 10)


class Known(Protocol):
    def __call__(self, say: str | Sequence[str], asked: str | None = None, **prior: Any) -> dict[str, Any]: ...


@pytest.fixture
def known() -> Known:
    """What the profile holds after one turn; `prior` are the fields known before it."""

    def after(say: str | Sequence[str], asked: str | None = None, **prior: Any) -> dict[str, Any]:
        profile = UserProfileData(**prior)
        turn = understand([say] if isinstance(say, str) else say, asked=asked, profile=profile, today=TODAY)
        return profile.patch(turn.changes).profile.known()

    return after
