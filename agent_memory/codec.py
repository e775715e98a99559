"""The bytes at rest: the one place that writes and reads session documents, turn records, replies and mailbox bodies.

Every blob is one format byte and JSON; what is kept is compressed against a dictionary of the phrases that every blob repeats: a turn
of two short messages is about 0.4 KB.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from agent_memory.errors import SessionCorrupt
from agent_memory.profile import ProfileT
from agent_memory.session import Domain, SessionData
from agent_memory.turn import TurnRecord

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
    return model.model_dump_json(exclude_defaults=True, exclude=without).encode()


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
    """Translates between the models of one domain and stored bytes."""

    domain: Domain[ProfileT]

    def write_session(self, session: SessionData[ProfileT]) -> bytes:
        """Return the session document: everything but the messages, which live in the turn records."""
        data = _json(session, without=_MESSAGES)
        # Each turn writes it anew and only the last one is kept: a small one is not worth compressing.
        return _PLAIN + data if len(data) < _SMALL else _deflated(data)

    def read_session(self, blob: bytes) -> SessionData[ProfileT]:
        """Return the session of a document.

        Raises:
            SessionCorrupt: The bytes do not fit the domain's models.
        """
        return unpack(SessionData[self.domain.profile], blob)

    def write_turn(self, record: TurnRecord) -> bytes:
        return pack(record)

    def read_turn(self, blob: bytes) -> TurnRecord:
        """Return the record of one turn.

        Raises:
            SessionCorrupt: The bytes are not a turn record.
        """
        return unpack(TurnRecord, blob)
