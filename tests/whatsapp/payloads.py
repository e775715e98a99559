"""Builds webhook bodies in the shapes that Meta sends."""

from __future__ import annotations

import json
from typing import Any

PHONE_NUMBER_ID = '106540352242922'
ANA = {'wa_id': '5511987650001', 'user_id': 'BR.1350208655302741918', 'profile': {'name': 'Ana', 'username': 'ana.c'}}
WROTE = {'from': '5511987650001', 'from_user_id': 'BR.1350208655302741918'}


def post(*changes: dict[str, Any]) -> bytes:
    """Return the body of a POST. Meta escapes what is not ASCII, as `json.dumps` does."""
    entry = {'id': '102290129340398', 'changes': list(changes)}
    return json.dumps({'object': 'whatsapp_business_account', 'entry': [entry]}).encode()


def change(field: str = 'messages', **value: Any) -> dict[str, Any]:
    metadata = {'display_phone_number': '551130000000', 'phone_number_id': PHONE_NUMBER_ID}
    return {'field': field, 'value': {'messaging_product': 'whatsapp', 'metadata': metadata, **value}}


def messages(*items: dict[str, Any], contacts: list[dict[str, Any]] | None = None) -> bytes:
    return post(change(contacts=[ANA] if contacts is None else contacts, messages=list(items)))


def text(body: str, id_: str = 'wamid.1', *, at: int = 1764000000, **more: Any) -> dict[str, Any]:
    return {**WROTE, 'id': id_, 'timestamp': str(at), 'type': 'text', 'text': {'body': body}, **more}


def typed(kind: str, content: Any, **more: Any) -> dict[str, Any]:
    return {**WROTE, 'id': 'wamid.1', 'timestamp': '1764000000', 'type': kind, kind: content, **more}


def status(state: str, **more: Any) -> dict[str, Any]:
    ids = {'recipient_id': ANA['wa_id'], 'recipient_user_id': ANA['user_id']}
    return {'id': 'wamid.OUT', 'status': state, 'timestamp': '1764000001', **ids, **more}
