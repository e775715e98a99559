"""The bytes at rest: the one place that writes and reads session documents, turn records, replies and mailbox bodies.

Every blob is one format byte and JSON, compressed against a dictionary of the phrases that every blob repeats: a turn
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
_WINDOW_BITS = 12
"""A 4 KB window holds the dictionary and a turn, and is five times faster to set up than the default."""
_DEFLATE = zlib.compressobj(6, zlib.DEFLATED, _WINDOW_BITS, 5, zlib.Z_DEFAULT_STRATEGY, _DICTIONARY)
"""A compressor that has read the dictionary and is copied for each blob."""
_MESSAGES = {'memory': {'messages'}}

T = TypeVar('T', bound=BaseModel)


class StoredReply(BaseModel):
    """What a redelivered message is answered with."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra='ignore', frozen=True)

    text: str | None
    """What was said; `None` when nothing was, such as while a person holds the conversation."""
    output: JsonValue = None
    """The agent's output when it is not that text."""
    turn: int
    run_id: str | None = None


def pack(model: BaseModel, *, without: Any = None) -> bytes:
    """Return a model as stored bytes; what equals its default is left out, and so is what `without` names."""
    data = model.model_dump_json(exclude_defaults=True, exclude=without).encode()
    deflate = _DEFLATE.copy()
    return _FORMAT + deflate.compress(data) + deflate.flush()


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
    if blob[:1] != _FORMAT:
        raise SessionCorrupt(f'stored bytes have format {blob[:1].hex() or "none"}; this version reads 01')
    try:
        inflate = zlib.decompressobj(_WINDOW_BITS, _DICTIONARY)
        return inflate.decompress(blob[1:]) + inflate.flush()
    except zlib.error as error:
        raise SessionCorrupt('stored bytes are damaged') from error


def _validated(model: type[T], data: bytes) -> T:
    try:
        return model.model_validate_json(data)
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
        return pack(session, without=_MESSAGES)

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
