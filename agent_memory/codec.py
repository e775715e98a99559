"""The bytes at rest: the one place that writes and reads session documents, turn records, replies and mailbox bodies.

Every blob is one format byte and JSON; what is kept is compressed against a dictionary of the phrases that every blob repeats: a turn
of two short messages is about 0.4 KB. `Codec` seals the result with the key of its contact, which is format 02.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from agent_memory.errors import KeyUnavailable, SealBroken, SessionCorrupt
from agent_memory.profile import ProfileT
from agent_memory.session import Domain, Inbound, SessionData
from agent_memory.turn import TurnRecord
from agent_memory.vault import SEALED, Box, Kind

_PLAIN = b'\x00'
_FORMAT = b'\x01'
# Never edit: blobs at rest need the dictionary they were written with. A new one takes the next format byte.
_DICTIONARY = (
    b'"provenance":{"name":{"message":"budget_min":{"message":"body_types":{"message":"excluded_brands":["urgency":'
    b'"recommendations":["requests":["person","opt_out","erasure"]"handoff_from":"qualified_at":"consent":{"given":true'
    b'"usage":{"requests":2,"input_tokens":,"output_tokens":"cost":"0.00"duration_ms":"cache_version":"pydantic_ai '
    b'"cache":[{"parts":[{"tool_name":"remember","args":"tool_call_id":"part_kind":"tool-call"}],"kind":"response"},'
    b'{"parts":[{"content":"timestamp":"part_kind":"user-prompt"}],"kind":"request","run_id":"part_kind":"tool-return"'
    b'"part_kind":"text"}],"usage":{"input_tokens":"model_name":"provider_name":"openai","finish_reason":"stop"'
    b'"events":[{"kind":"state","at":"data":{"before":"greeting","after":"collecting_profile"}}],"kind":"qualified"'
    b'"facts":[{"field":"budget_max","value":"previous":"message":"at":"20"by":"user"},{"field":"main_use","value":"'
    b'"field":"city","value":"field":"state","value":"SP"field":"priorities","value":["field":"brands","value":["'
    b'Anotado! Certo! Voc\xc3\xaa tem prefer\xc3\xaancia por alguma marca? Em qual cidade voc\xc3\xaa mora? Qual o uso '
    b'principal do carro? Quanto pretende gastar? quero um carro at\xc3\xa9 50 mil reais por favor, bom dia, obrigado '
    b'"contact_id":"started_at":"state":"collecting_profile","turn":"memory":{"summary":"profile":{"interactions":'
    b'"format":1,"turn":1,"at":"messages":[{"id":"text":"at":"reply":"state":"collecting_profile",'
    b'"score":38.0,"completeness":0.25,"model":"rules-pt-br","run_id":"'
)
_WINDOW_BITS = -12
"""A 4 KB window holds the dictionary and a turn, and is five times faster to set up than the default.

Negative means raw: a header would take 6 bytes of blobs that are 80 to 300 bytes long. A CRC-32 stands before the data.
"""
_DEFLATE = zlib.compressobj(6, zlib.DEFLATED, _WINDOW_BITS, 5, zlib.Z_DEFAULT_STRATEGY, _DICTIONARY)
"""A compressor that has read the dictionary and is copied for each blob."""
_SMALL = 512
"""Bytes of a document that are not worth the time of compressing them."""
_MESSAGES = {'memory': {'messages'}}
_VERSION = struct.Struct('>QI')
"""When a session started, in ms, and one of its versions."""

_PLAIN_REFUSED = (
    'these stored bytes are not sealed: they were written by hand, or before everything was; in the second case set '
    'AGENT_MEMORY_ACCEPT_UNSEALED=true until they have been written anew'
)

T = TypeVar('T', bound=BaseModel)


class StoredReply(BaseModel):
    """What a redelivered message is answered with."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='ignore', frozen=True, hide_input_in_errors=True)

    text: str | None
    """What was said; `None` when nothing was, such as while a person holds the conversation."""
    output: JsonValue = None
    """The agent's output when it is not that text."""
    turn: int
    run_id: str | None = None


def pack(model: BaseModel) -> bytes:
    """Return a model as stored bytes; what equals its default is left out."""
    return _deflated(_json(model))


def _json(model: BaseModel, *, without: Any = None) -> bytes:
    # `model_dump_json` would make a string of these bytes.
    return model.__pydantic_serializer__.to_json(model, exclude_defaults=True, exclude=without)


def _deflated(data: bytes) -> bytes:
    deflate = _DEFLATE.copy()
    return _FORMAT + zlib.crc32(data).to_bytes(4) + deflate.compress(data) + deflate.flush()


def pack_briefly(model: BaseModel) -> bytes:
    """Return a model as stored bytes for something that is kept for seconds: not worth compressing."""
    return _PLAIN + _json(model)


def unpack(model: type[T], blob: bytes) -> T:
    """Return stored bytes as a model.

    Raises:
        SessionCorrupt: They are of an unknown format, damaged, or do not fit the model.
    """
    return _validated(model, unpack_json(blob))


def unpack_json(blob: bytes) -> bytes:
    """Return the JSON inside stored bytes.

    Raises:
        SessionCorrupt: They are of an unknown format or damaged.
    """
    if blob[:1] == _PLAIN:
        return blob[1:]
    if blob[:1] != _FORMAT:
        raise SessionCorrupt(f'stored bytes have format {blob[:1].hex() or "none"}; this version reads 00 and 01')
    try:
        inflate = zlib.decompressobj(_WINDOW_BITS, _DICTIONARY)
        data = inflate.decompress(blob[5:])
    except zlib.error as error:
        raise SessionCorrupt('stored bytes are damaged') from error
    if not inflate.eof:
        raise SessionCorrupt('stored bytes are cut short')
    if zlib.crc32(data).to_bytes(4) != blob[1:5]:
        raise SessionCorrupt('stored bytes are damaged')
    return data


def _validated(model: type[T], data: bytes) -> T:
    try:
        # Another version may have written fields that this one does not have: during a deployment, or before a field was
        # removed. They are left out, or the contact could never be answered again.
        return model.model_validate_json(data, extra='ignore')
    except ValidationError as error:
        # The message of a ValidationError repeats its input, which is personal.
        places = ', '.join('.'.join(map(str, item['loc'])) for item in error.errors(include_input=False))
        raise SessionCorrupt(f'stored bytes do not fit {model.__name__}: {places}') from error


@dataclass(frozen=True)
class Codec(Generic[ProfileT]):
    """Translates between the models of one domain and stored bytes, sealed with the key of the contact that `of` names.

    Without a box nothing sealed can be read, and what is written is not sealed.
    """

    domain: Domain[ProfileT]
    box: Box | None = field(default=None, repr=False)
    accepts_plain: bool = True
    """Whether bytes that are not sealed are read as they are."""

    def of(self, box: Box | None, *, accepts_plain: bool = False) -> Codec[ProfileT]:
        """Return the codec of one contact."""
        return Codec(self.domain, box, accepts_plain)

    @property
    def key_id(self) -> str:
        """The id of the key that this codec seals with; empty for none."""
        return self.box.key_id if self.box else ''

    def write_session(self, session: SessionData[ProfileT], *, started_ms: int = 0, version: int = 0) -> bytes:
        """Return the session document: everything but the messages, which live in the turn records."""
        data = _json(session, without=_MESSAGES)
        # Each turn writes it anew and only the last one is kept: a small one is not worth compressing.
        blob = _PLAIN + data if len(data) < _SMALL else _deflated(data)
        return self._sealed(b'S', _version(started_ms, version), blob)

    def read_session(self, blob: bytes, *, started_ms: int = 0, version: int = 0) -> SessionData[ProfileT]:
        """Return the session of a document; without `started_ms` whichever of the contact's it is.

        Raises:
            SealBroken: It was changed, or is not the document of this version.
            SessionCorrupt: The bytes do not fit the domain's models.
        """
        place, data = self._opened(b'S', blob)
        if place and started_ms and place != _version(started_ms, version):
            raise SealBroken('this is the document of another session or version')
        return unpack(SessionData[self.domain.profile], data)

    def write_turn(self, record: TurnRecord, *, started_ms: int = 0, version: int = 0) -> bytes:
        """Return the record of the turn that made `version`."""
        return self._sealed(b'T', _version(started_ms, version), pack(record))

    def read_turn(self, blob: bytes, *, started_ms: int = 0, version: int = 0) -> TurnRecord:
        """Return the record of one turn; without `started_ms` whichever of the contact's it is.

        Raises:
            SealBroken: It was changed, or is not the record of this version.
            SessionCorrupt: The bytes are not a turn record.
        """
        if self.box and blob[:1] == SEALED:
            return turn_in(self.box, blob, started_ms=started_ms, version=version)
        return unpack(TurnRecord, self._opened(b'T', blob)[1])

    def read_turns(self, blobs: Sequence[bytes], *, started_ms: int, version: int) -> list[TurnRecord]:
        """Return consecutive records of a session, of which the last one made `version` or the one after it.

        Raises:
            SealBroken: One was changed, left out or moved.
            SessionCorrupt: The bytes are not turn records.
        """
        found = [self._opened(b'T', blob) for blob in blobs]
        # A commit between two reads of a session makes its turns one newer than its document.
        newer = bool(found) and found[-1][0] == _version(started_ms, version + 1)
        first = version + newer - len(found) + 1
        for number, (place, _) in enumerate(found, start=first):
            if place and place != _version(started_ms, number):
                raise SealBroken('the turns of this session are not those that were written')
        return [unpack(TurnRecord, data) for _, data in found]

    def write_reply(self, reply: StoredReply, message_ids: Iterable[str]) -> bytes:
        """Return a reply as the answer to these messages."""
        return self._sealed(b'R', ','.join(message_ids).encode(), pack(reply))

    def read_reply(self, blob: bytes, message_id: str) -> StoredReply:
        """Return the reply to a message.

        Raises:
            SealBroken: It was changed, or answers another message.
            SessionCorrupt: The bytes are not a reply.
        """
        place, data = self._opened(b'R', blob)
        if place and message_id.encode() not in place.split(b','):
            raise SealBroken('this is the reply to another message')
        return unpack(StoredReply, data)

    def write_inbound(self, inbound: Inbound, message_id: str) -> bytes:
        """Return what came in as the mailbox keeps it."""
        return self._sealed(b'M', message_id.encode(), pack_briefly(inbound))

    def read_inbound(self, blob: bytes, message_id: str = '') -> Inbound:
        """Return what came in under a message id; without one whichever of the contact's messages it is.

        Raises:
            SealBroken: It was changed, or is another message.
            SessionCorrupt: The bytes are not a message.
        """
        place, data = self._opened(b'M', blob)
        if place and message_id and place != message_id.encode():
            raise SealBroken('this is the body of another message')
        return unpack(Inbound, data)

    def write_address(self, address: bytes) -> bytes:
        """Return where the contact is reached as the store keeps it."""
        return self._sealed(b'A', b'', address) if address else b''

    def read_address(self, blob: bytes) -> bytes:
        """Return where the contact is reached.

        Raises:
            SealBroken: It was changed, or is of another contact.
        """
        return self._opened(b'A', blob)[1] if blob else b''

    def _sealed(self, kind: Kind, place: bytes, data: bytes) -> bytes:
        return self.box.seal(kind, place, data) if self.box else data

    def _opened(self, kind: Kind, blob: bytes) -> tuple[bytes, bytes]:
        """Return where a blob belongs and what is in it; it belongs nowhere when it is not sealed."""
        if blob[:1] != SEALED:
            if not self.accepts_plain:
                raise SealBroken(_PLAIN_REFUSED)
            return b'', blob
        if self.box is None:
            raise KeyUnavailable('this is sealed, and its contact has no key: it was destroyed, or lives elsewhere')
        return self.box.open(kind, blob)


def turn_in(box: Box, blob: bytes, *, started_ms: int, version: int) -> TurnRecord:
    """Return the record of one turn that was sealed with `box`; without `started_ms` whichever of the contact's it is.

    Raises:
        SealBroken: It was changed, or is not the record of this version.
        SessionCorrupt: The bytes are not a turn record.
    """
    place, data = box.open(b'T', blob)
    if started_ms and place != _version(started_ms, version):
        raise SealBroken('this is the record of another turn')
    return unpack(TurnRecord, data)


def _version(started_ms: int, version: int) -> bytes:
    return _VERSION.pack(started_ms, version)
