"""What an event of WhatsApp is to the rest of the package: one `Inbound`."""

from __future__ import annotations

from datetime import UTC, datetime

from agent_memory.session import MAX_TEXT, Attachment, Inbound, Referral
from agent_memory.whatsapp._contents import Choice, Content, Media, spoken
from agent_memory.whatsapp._events import InboundEvent
from agent_memory.whatsapp._reading import text


def inbound_of(event: InboundEvent, contact_id: str) -> Inbound:
    """Return a message or an edit as the message of a contact."""
    content = event.content
    said = spoken(content) if content else ''
    return Inbound(
        contact=f'contact:{contact_id}',
        message_id=(event.wamid or '')[:512],
        # Blank texts are messages too: the person sent something, and is owed an answer.
        text=said[:MAX_TEXT] if said.strip() else '[blank message]',
        sent_at=datetime.fromtimestamp(event.sent_at or event.received_at / 1000, UTC),
        choice=content.id[:256] if isinstance(content, Choice) and content.id else None,
        attachment=_attachment(content),
        referral=_referral(event),
    )


def _attachment(content: Content | None) -> Attachment | None:
    if not isinstance(content, Media) or not content.id:
        return None
    return Attachment(kind=content.kind, id=content.id, mime_type=content.mime_type, sha256=content.sha256)


def _referral(event: InboundEvent) -> Referral | None:
    """Return the advertisement or post of a click-to-WhatsApp message, without its click id, which names a person."""
    found = event.referral or {}
    kind, id_ = text(found.get('source_type')), text(found.get('source_id'))
    if kind is None and id_ is None:
        return None
    # A cut id would be another one's.
    return Referral(kind=(kind or 'unknown')[:32].lower(), id=id_ if id_ and len(id_) <= 256 else None)
