"""A tolerant reader of WhatsApp webhooks: every item of a POST becomes one event, whatever Meta adds to it.

Meta batches: `entry`, `changes`, `messages` and `statuses` are arrays. An item that cannot be read becomes an
`invalid` event that names its fault, and takes no other item down.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from agent_memory.whatsapp._contents import Content, content
from agent_memory.whatsapp._reading import items, mapping, seconds, text

Kind = Literal[
    'message',
    'status',
    'echo',
    'identity_change',
    'edit',
    'revoke',
    'reaction',
    'account_error',
    'user_action',
    'ignored',
    'invalid',
]
Part = Literal['messages', 'statuses', 'message_echoes', 'errors', 'user_actions', 'change', 'body']

_BSUID = re.compile(r'[A-Za-z]{2}\.')
_MOBILE_BR = re.compile(r'55(\d{2})9?([6-9]\d{7})')


@dataclass(frozen=True)
class Aliases:
    """The names under which WhatsApp knows one person. Any of them may be missing, the phone number too."""

    wa_id: str | None = None
    """The phone number as WhatsApp writes it: digits with the country code. Reply to exactly this."""
    bsuid: str | None = None
    """The business-scoped user id. It changes when the person changes their number."""
    parent_bsuid: str | None = None
    username: str | None = None
    name: str | None = None
    country: str | None = None

    @property
    def known(self) -> bool:
        """Whether there is any id to find the person by."""
        return bool(self.wa_id or self.bsuid or self.parent_bsuid)

    @property
    def br_match_key(self) -> str | None:
        """`55`, area code and the last eight digits of a Brazilian mobile number, which may come without its ninth digit.

        Two numbers with one key are likely one person's, never surely. `None` for landlines and other countries.
        """
        mobile = _MOBILE_BR.fullmatch(self.wa_id or '')
        return f'55{mobile[1]}{mobile[2]}' if mobile else None


@dataclass(frozen=True)
class GraphProblem:
    """One error as the Graph API reports it."""

    code: int
    title: str | None = None
    details: str | None = None


@dataclass(frozen=True)
class Delivery:
    """What became of a message that the business sent."""

    state: str
    """`sent`, `delivered`, `read`, `played` or `failed`; `read` implies delivered."""
    opaque: str | None
    """`biz_opaque_callback_data` as it was sent."""
    problems: tuple[GraphProblem, ...] = ()
    category: str | None = None
    """What the message is billed as."""
    participant: str | None = None


@dataclass(frozen=True, kw_only=True)
class InboundEvent:
    """One item of a webhook."""

    kind: Kind
    part: Part
    """The array of the change that the item came in."""
    field: str | None = None
    waba_id: str | None = None
    phone_number_id: str | None = None
    """Which of the business's numbers it concerns. The displayed number is no key: it may lose its ninth digit."""
    wamid: str | None = None
    """Meta's id of the message. It holds the person's phone number in base64: never log it."""
    sent_at: int | None = None
    """Seconds since 1970, by Meta's clock."""
    received_at: int = 0
    """Milliseconds since 1970, by ours."""
    seq: int = 0
    """Place in the POST."""
    sender: Aliases = Aliases()
    """The person: who wrote, to whom a status or an echo went, or who changed their number."""
    becomes: Aliases | None = None
    """Of an identity change: the person's new ids."""
    content: Content | None = None
    delivery: Delivery | None = None
    problems: tuple[GraphProblem, ...] = ()
    reply_to: str | None = None
    original: str | None = None
    """Of an edit or revoke: the message that was changed."""
    forwarded: bool = False
    referral: Mapping[str, Any] | None = None
    group_id: str | None = None
    fault: str | None = None
    """The error that reading it ended with: a mistake of this reader, not of the item."""
    raw: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any], repr=False)

    def event_key(self, pepper: bytes) -> str:
        """Return what names this event without naming the person: 22 characters."""
        parts = [self.kind, self.phone_number_id, self.wamid]
        if self.delivery:
            parts += [self.delivery.state, self.delivery.participant]
        digest = hmac.digest(pepper, '|'.join(part or '' for part in parts).encode(), hashlib.sha256)
        return digest.hex()[:22]


def parse(body: bytes, *, received_at: int = 0) -> list[InboundEvent]:
    """Return the events of one POST in its order. Never raises; a body that is no JSON object is one `invalid` event."""
    try:
        whole: object = json.loads(body)
    except (ValueError, RecursionError):
        whole = None
    if not isinstance(whole, dict):
        return [InboundEvent(kind='invalid', part='body', received_at=received_at)]
    events = (
        replace(event, waba_id=text(mapping(entry).get('id')), received_at=received_at)
        for entry in items(mapping(cast('object', whole)).get('entry'))
        for change in items(mapping(entry).get('changes'))
        for event in _change(mapping(change))
    )
    return [replace(event, seq=seq) for seq, event in enumerate(events)]


def _change(change: Mapping[str, Any]) -> Iterable[InboundEvent]:
    name, value = text(change.get('field')), mapping(change.get('value'))
    events = [_read(name, *item) for item in _parts(value)] or [InboundEvent(kind='ignored', part='change', raw=value)]
    phone_number_id = text(mapping(value.get('metadata')).get('phone_number_id'))
    return (replace(event, field=name, phone_number_id=phone_number_id) for event in events)


def _parts(value: Mapping[str, Any]) -> Iterator[tuple[Part, Mapping[str, Any], list[Mapping[str, Any]]]]:
    """Yield each item of a change with the array that it came in and the contacts beside it."""
    contacts = [mapping(contact) for contact in items(value.get('contacts'))]
    for part in _PARTS:
        for item in items(value.get(part)):
            yield part, mapping(item), contacts


def _read(name: str | None, part: Part, item: Mapping[str, Any], contacts: list[Mapping[str, Any]]) -> InboundEvent:
    try:
        event = _PARTS[part](item, contacts)
    except Exception as error:  # noqa: BLE001 - whatever it is, the items beside this one are read
        return InboundEvent(kind='invalid', part=part, fault=type(error).__name__, raw=item)
    # Calls, histories and threads that another agent owns may carry messages; none of them is ours to answer.
    return replace(event, kind='ignored') if part == 'messages' and name != 'messages' else event


def _message(item: Mapping[str, Any], contacts: list[Mapping[str, Any]]) -> InboundEvent:
    context = mapping(item.get('context'))
    event = InboundEvent(
        kind='message',
        part='messages',
        wamid=text(item.get('id')),
        sent_at=_sent_at(item),
        sender=_aliases(item, 'from', contacts),
        reply_to=text(context.get('id')),
        forwarded=context.get('forwarded') is True or context.get('frequently_forwarded') is True,
        referral=mapping(item.get('referral')) or None,
        group_id=text(item.get('group_id')),
        raw=item,
    )
    event = _typed(event, item)
    if event.group_id:
        return replace(event, kind='ignored')
    return event if event.wamid and event.sender.known else replace(event, kind='invalid')


def _typed(event: InboundEvent, item: Mapping[str, Any]) -> InboundEvent:
    kind = text(item.get('type'))
    if kind == 'system':
        system = mapping(item.get('system'))
        # Where the old id is named, the item may come from the new one.
        previous = text(system.get('previous_user_id')) or event.sender.bsuid
        sender = replace(event.sender, bsuid=previous)
        return replace(event, kind='identity_change', sender=sender, becomes=_becomes(system))
    if kind in ('edit', 'revoke'):
        change = mapping(item.get(kind))
        original = text(change.get('original_message_id'))
        if kind == 'revoke':
            return replace(event, kind='revoke', original=original)
        return replace(event, kind='edit', original=original, content=content(mapping(change.get('message'))))
    return replace(event, kind='reaction' if kind == 'reaction' else 'message', content=content(item))


def _status(item: Mapping[str, Any], contacts: list[Mapping[str, Any]]) -> InboundEvent:
    delivery = Delivery(
        state=text(item.get('status')) or 'unknown',
        opaque=text(item.get('biz_opaque_callback_data')),
        problems=_problems(items(item.get('errors'))),
        category=text(mapping(item.get('pricing')).get('category')),
        participant=text(item.get('recipient_participant_user_id')) or text(item.get('recipient_participant_id')),
    )
    group = text(item.get('recipient_type')) == 'group'
    ids = {
        'to': item.get('recipient_id'),
        'to_user_id': item.get('recipient_user_id'),
        'to_parent_user_id': item.get('recipient_parent_user_id'),
    }
    return InboundEvent(
        kind='ignored' if group else 'status',
        part='statuses',
        wamid=text(item.get('id')),
        sent_at=_sent_at(item),
        sender=Aliases() if group else _aliases(ids, 'to', contacts),
        delivery=delivery,
        group_id=text(item.get('recipient_id')) if group else None,
        raw=item,
    )


def _echo(item: Mapping[str, Any], contacts: list[Mapping[str, Any]]) -> InboundEvent:
    return InboundEvent(
        kind='echo',
        part='message_echoes',
        wamid=text(item.get('id')),
        sent_at=_sent_at(item),
        sender=_aliases(item, 'to', contacts),
        content=content(item),
        raw=item,
    )


def _account_error(item: Mapping[str, Any], _: list[Mapping[str, Any]]) -> InboundEvent:
    return InboundEvent(kind='account_error', part='errors', problems=_problems([item]), raw=item)


def _user_action(item: Mapping[str, Any], _: list[Mapping[str, Any]]) -> InboundEvent:
    return InboundEvent(kind='user_action', part='user_actions', sent_at=_sent_at(item), raw=item)


def _aliases(item: Mapping[str, Any], role: str, contacts: list[Mapping[str, Any]]) -> Aliases:
    """Return the ids in the item's `<role>...` keys, with what the contact of the same id adds to them."""
    wa_id = text(item.get(role))
    bsuid = text(item.get(f'{role}_user_id'))
    if wa_id and _BSUID.match(wa_id):
        wa_id, bsuid = None, bsuid or wa_id
    contact = _contact(contacts, wa_id, bsuid)
    profile = mapping(contact.get('profile'))
    return Aliases(
        wa_id=wa_id or text(contact.get('wa_id')),
        bsuid=bsuid or text(contact.get('user_id')),
        parent_bsuid=text(item.get(f'{role}_parent_user_id')) or text(contact.get('parent_user_id')),
        username=text(profile.get('username')),
        name=text(profile.get('name')),
        country=text(profile.get('country_code')),
    )


def _contact(contacts: list[Mapping[str, Any]], wa_id: str | None, bsuid: str | None) -> Mapping[str, Any]:
    """Return the contact with one of the ids; never one that merely stands in the same place."""
    for contact in contacts:
        if (bsuid and text(contact.get('user_id')) == bsuid) or (wa_id and text(contact.get('wa_id')) == wa_id):
            return contact
    return {}


def _becomes(system: Mapping[str, Any]) -> Aliases:
    return Aliases(
        wa_id=text(system.get('wa_id')) or text(system.get('new_wa_id')),
        bsuid=text(system.get('user_id')),
        parent_bsuid=text(system.get('parent_user_id')),
    )


def _problems(errors: list[Any]) -> tuple[GraphProblem, ...]:
    return tuple(
        GraphProblem(
            code=code if isinstance(code := error.get('code'), int) else 0,
            title=text(error.get('title')) or text(error.get('message')),
            details=text(mapping(error.get('error_data')).get('details')),
        )
        for error in map(mapping, errors)
    )


def _sent_at(item: Mapping[str, Any]) -> int | None:
    return seconds(item.get('timestamp'))


_PARTS: dict[Part, Callable[[Mapping[str, Any], list[Mapping[str, Any]]], InboundEvent]] = {
    'messages': _message,
    'statuses': _status,
    'message_echoes': _echo,
    'errors': _account_error,
    'user_actions': _user_action,
}
