"""How a reply names itself in the data that WhatsApp gives back with each of its statuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class ReplyName:
    """One part of the reply to one message. Opaque ids only: Meta keeps it."""

    contact_id: str
    message_id: str
    part: int
    more: bool
    """Whether another part follows."""

    def written(self) -> str:
        return f't.{self.contact_id}.{self.message_id}.{self.part}.{int(self.more)}'

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Return the name in `text`, or `None` when it is not one of ours."""
        match text.split('.'):
            case ['t', contact_id, message_id, part, ('0' | '1') as more] if part.isdecimal() and len(part) < 6:
                return cls(contact_id, message_id, int(part), more == '1')
            case _:
                return None
