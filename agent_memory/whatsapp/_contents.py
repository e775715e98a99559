"""What one WhatsApp message says: a record for each kind of content, and the reader that makes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from agent_memory.whatsapp._reading import items, mapping, number, text

MediaKind = Literal['image', 'video', 'audio', 'document', 'sticker']


@dataclass(frozen=True)
class Text:
    body: str


@dataclass(frozen=True)
class Media:
    """A file that is fetched by its id, for 7 days (Cloud API, media)."""

    kind: MediaKind
    id: str | None
    mime_type: str | None
    sha256: str | None
    """Of the file, in base64."""
    caption: str | None = None
    filename: str | None = None
    voice: bool = False


@dataclass(frozen=True)
class Choice:
    """A tapped button, a chosen row of a list, or a completed form."""

    id: str | None
    title: str


@dataclass(frozen=True)
class Location:
    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None


@dataclass(frozen=True)
class SharedContacts:
    names: tuple[str, ...]
    phones: tuple[str, ...]


@dataclass(frozen=True)
class Order:
    items: int
    note: str | None


@dataclass(frozen=True)
class Reaction:
    message: str | None
    emoji: str | None
    """`None` when the reaction was taken back."""


@dataclass(frozen=True)
class Unsupported:
    """WhatsApp could not hand the message over, such as a poll."""

    of: str | None


@dataclass(frozen=True)
class Unknown:
    """A type that this version does not know, or one whose content is missing."""

    type: str


Content = Text | Media | Choice | Location | SharedContacts | Order | Reaction | Unsupported | Unknown


def content(message: Mapping[str, Any]) -> Content:
    """Return what the message says; `Unknown` when its type or shape is not one of ours."""
    kind = text(message.get('type')) or 'missing'
    if kind == 'contacts':
        return _contacts(items(message.get(kind)))
    reader = _READERS.get(kind)
    found = reader(mapping(message.get(kind)), kind) if reader else None
    return found or Unknown(kind)


def spoken(said: Content) -> str:
    """Return content as the text of a turn: the words of the person, or a bracketed note of what was sent."""
    match said:
        case Text(body=body):
            return body
        case Choice(title=title):
            return title
        case Media():
            note = f'[{said.filename or ("voice message" if said.voice else said.kind)}]'
            return f'{note} {said.caption}' if said.caption else note
        case Location():
            place = ', '.join(part for part in (said.name, said.address) if part)
            return f'[location {said.latitude:.5f},{said.longitude:.5f}] {place}'.rstrip()
        case SharedContacts():
            return f'[contact] {", ".join((*said.names, *said.phones))}'.rstrip()
        case Order():
            return f'[order of {said.items} items] {said.note or ""}'.rstrip()
        case Reaction():
            return f'[reaction] {said.emoji or ""}'.rstrip()
        case Unsupported(of=of):
            return f'[{of or "message"} that cannot be read]'
        case Unknown(type=type_):
            return f'[{type_} message]'


def _text(value: Mapping[str, Any], _: str) -> Content | None:
    body = text(value.get('body'))
    return Text(body) if body else None


def _media(value: Mapping[str, Any], kind: Any) -> Content | None:
    return Media(
        kind=kind,
        id=text(value.get('id')),
        mime_type=text(value.get('mime_type')),
        sha256=text(value.get('sha256')),
        caption=text(value.get('caption')),
        filename=text(value.get('filename')),
        voice=value.get('voice') is True,
    )


def _button(value: Mapping[str, Any], _: str) -> Content | None:
    title = text(value.get('text')) or text(value.get('payload'))
    return Choice(text(value.get('payload')), title) if title else None


def _interactive(value: Mapping[str, Any], _: str) -> Content | None:
    kind = text(value.get('type')) or ''
    reply = mapping(value.get(kind))
    if kind in ('button_reply', 'list_reply'):
        title = text(reply.get('title')) or text(reply.get('id'))
        return Choice(text(reply.get('id')), title) if title else None
    if kind == 'nfm_reply':
        return Choice(text(reply.get('name')), text(reply.get('body')) or 'form')
    if kind == 'call_permission_reply':
        return Choice(kind, text(reply.get('response')) or kind)
    return Unknown(f'interactive {kind}'.rstrip())


def _location(value: Mapping[str, Any], _: str) -> Content | None:
    latitude, longitude = number(value.get('latitude')), number(value.get('longitude'))
    if latitude is None or longitude is None:
        return None
    return Location(latitude, longitude, text(value.get('name')), text(value.get('address')))


def _contacts(value: list[Any]) -> Content:
    people = [mapping(one) for one in value]
    names = (text(mapping(one.get('name')).get('formatted_name')) for one in people)
    phones = (text(mapping(phone).get('phone')) for one in people for phone in items(one.get('phones')))
    return SharedContacts(tuple(name for name in names if name), tuple(phone for phone in phones if phone))


def _order(value: Mapping[str, Any], _: str) -> Content | None:
    return Order(len(items(value.get('product_items'))), text(value.get('text')))


def _reaction(value: Mapping[str, Any], _: str) -> Content | None:
    return Reaction(text(value.get('message_id')), text(value.get('emoji')))


def _unsupported(value: Mapping[str, Any], _: str) -> Content | None:
    return Unsupported(text(value.get('type')))


_READERS: dict[str, Callable[[Mapping[str, Any], str], Content | None]] = {
    'text': _text,
    'button': _button,
    'interactive': _interactive,
    'location': _location,
    'order': _order,
    'reaction': _reaction,
    'unsupported': _unsupported,
    **dict.fromkeys(('image', 'video', 'audio', 'document', 'sticker'), _media),
}
