"""Every exception this package raises.

AgentMemoryError
+-- InvalidInput           what was given breaks a rule; says which and what to do (also a ValueError)
|   +-- InvalidContact     neither a phone number nor a WhatsApp business-scoped user id
|   +-- InvalidPatch       a profile change that the profile model refuses
|   +-- ForbiddenTransition  the state machine has no such step; carries `current`, `target`
|   +-- MessageMismatch    a known message id came with another text; carries `message_id`
|   +-- ContactErased      the message is from before its contact was erased, and stays out
+-- SessionBusy            somebody else runs this contact's turn; carries `waited`. Retry later
+-- EarlierWaits           an earlier message of this contact must be answered first; carries `contact`, `message_id`
+-- SessionConflict        the session moved on since it was loaded. Nothing was written
|   +-- LeaseLost          another worker took the turn over. Nothing was written
+-- TurnTimedOut           the turn ran into its hard deadline and was given back
+-- SessionCorrupt         stored bytes do not fit the models; the cause is the ValidationError
|   +-- SealBroken         sealed bytes were changed, moved from another place, or sealed with another key
+-- TurnFailed             this message was given up after its last attempt; carries `reply`, the fixed apology
+-- Refused                the store takes no new message now; the channel should redeliver later
|   +-- MailboxFull        this contact has too many unanswered messages
|   +-- Overloaded         too many turns wait for the archive
+-- StoreUnavailable       Redis did not answer or refused; the cause is the driver's error
|   +-- KeyUnavailable     a contact's data key cannot be had: key store away, master key wrong. Nothing was changed
|   |   +-- KeyDestroyed   it was destroyed by an erasure since it was asked for; ask for the new one
+-- ArchiveUnavailable     the DuckDB file cannot be opened or written; the cause is the driver's error
+-- ArchiveRefused         DuckDB will never take these rows; the cause says why. Nothing was written
+-- HandoffUndelivered     a sink did not take a hand-over; it is delivered again later
+-- CatalogueUnavailable   the catalogue has no answer: its file or service cannot be read
+-- SetupError             the data directory, the embedded server or a setting is unusable
"""

from __future__ import annotations

from datetime import datetime, timedelta


class AgentMemoryError(Exception):
    """Base class of every error raised by `agent_memory`."""


class InvalidInput(AgentMemoryError, ValueError):
    """What was given breaks a rule. Nothing was stored."""


class InvalidContact(InvalidInput):
    """The contact is neither a phone number nor a WhatsApp business-scoped user id."""


class InvalidPatch(InvalidInput):
    """The profile model refuses the change. Nothing was changed."""


class ForbiddenTransition(InvalidInput):
    """The state machine has no step from `current` to `target`."""

    def __init__(self, current: str, target: str, *, allowed: frozenset[str]) -> None:
        steps = ', '.join(sorted(allowed)) or 'none'
        # Formatted, not repr: the states of a domain may be members of an enum.
        super().__init__(f"no transition from '{current}' to '{target}'; allowed from '{current}': {steps}")
        self.current = current
        self.target = target
        self.allowed = allowed


class MessageMismatch(InvalidInput):
    """A message id that is already known came with another text. Nothing was stored."""

    def __init__(self, message_id: str) -> None:
        super().__init__('this message id is already known with another text; a message id names one message for good')
        self.message_id = message_id


class ContactErased(InvalidInput):
    """The message was sent before its contact was erased. Nothing was stored; what is sent later begins anew."""


class SessionBusy(AgentMemoryError):
    """Another worker runs a turn of this contact. The message is kept; ask again for its reply."""

    def __init__(self, *, waited: timedelta) -> None:
        super().__init__(
            f'another turn of this contact is running; gave up after {waited.total_seconds():.1f} s. '
            'The message is kept: call again with the same message id'
        )
        self.waited = waited


class EarlierWaits(AgentMemoryError):
    """An earlier message of this contact has no answer yet and must get it first. Nothing was lost."""

    def __init__(self, *, contact: str, message_id: str, text: str, sent_at: datetime) -> None:
        super().__init__('an earlier message of this contact waits for its answer; run that turn first')
        self.contact = contact
        self.message_id = message_id
        self.text = text
        self.sent_at = sent_at


class TurnTimedOut(AgentMemoryError):
    """The turn ran into its hard deadline. It was given back and will be tried again."""


class SessionConflict(AgentMemoryError):
    """The session moved on since it was loaded. Nothing was written."""


class LeaseLost(SessionConflict):
    """Another worker took this turn over. Nothing was written and no reply may be sent."""


class SessionCorrupt(AgentMemoryError):
    """Stored bytes do not fit the models of this version. Nothing was changed."""


class SealBroken(SessionCorrupt):
    """Sealed bytes were changed, moved here from another place, or sealed with another key. Nothing was changed."""


class TurnFailed(AgentMemoryError):
    """The message was given up after its last attempt; `reply` is the apology the contact gets."""

    def __init__(self, reply: str) -> None:
        super().__init__('this message was given up after its last attempt and waits in the dead letters')
        self.reply = reply


class Refused(AgentMemoryError):
    """The store takes no new message now. Nothing was stored; the channel should redeliver later."""


class MailboxFull(Refused):
    """This contact has too many unanswered messages."""


class Overloaded(Refused):
    """Too many committed turns wait for the archive."""


class StoreUnavailable(AgentMemoryError):
    """Redis did not answer, or refused the command."""


class KeyUnavailable(StoreUnavailable):
    """A contact's data key cannot be had: the key store does not answer, or the master key is another one."""


class KeyDestroyed(KeyUnavailable):
    """The key was destroyed by an erasure since this process asked for it. Nothing was written with it."""


class ArchiveUnavailable(AgentMemoryError):
    """The archive cannot be opened or written. Committed turns wait in the outbox."""


class ArchiveRefused(AgentMemoryError):
    """The archive will never take these rows, such as a profile that is no JSON. Nothing was written."""


class HandoffUndelivered(AgentMemoryError):
    """A sink did not take a hand-over. It is delivered again later."""


class CatalogueUnavailable(AgentMemoryError):
    """The catalogue has no answer now, not even an earlier one."""


class SetupError(AgentMemoryError):
    """The data directory, the embedded server or a setting is unusable."""
