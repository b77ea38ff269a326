"""JSON-RPC 2.0 messages: decoding and encoding. Pure: no sockets, clocks or tasks.

The specification is at https://www.jsonrpc.org/specification; "section" in this package refers to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from functools import cache
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Raw, UnsetType

from .codecs import Codec, Decode

VERSION = "2.0"
CANCEL = "$/cancelRequest"
PROGRESS = "$/progress"

Id = str | int | float | None


class ErrorCode(IntEnum):
    """Error codes: those of section 5.1, those of the Language Server Protocol, and one of emmett."""

    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    INTERNAL_ERROR = -32603
    # LSP 3.17, "Base Protocol".
    REQUEST_CANCELLED = -32800
    SERVER_CANCELLED = -32802
    # -32000 to -32099 are for servers to define: 29 as in HTTP's 429.
    LIMIT_EXCEEDED = -32029


# The error messages that section 5.1 defines.
MESSAGES = {ErrorCode.PARSE_ERROR: "Parse error", ErrorCode.INVALID_REQUEST: "Invalid Request"}


class Message(msgspec.Struct, gc=False):
    """A received message: a call, an event, or the reply to one of the server's requests.

    Attributes:
        id: the id of a call or of a reply; `UNSET` for an event.
        method: the name of the method; `UNSET` for a reply.
        params: the parameters, not yet decoded.
        result, error: those of a reply, not yet decoded.
    """

    jsonrpc: Literal["2.0"]
    id: Id | UnsetType = UNSET
    method: str | UnsetType = UNSET
    params: Raw | UnsetType = UNSET
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


class Refusal(NamedTuple):
    """A message that can only be answered with an error.

    Fields:
        id: the id; None if it could not be read (section 5).
        code: `PARSE_ERROR` or `INVALID_REQUEST`.
        reason: what is wrong.
    """

    id: Id
    code: ErrorCode
    reason: str

    @property
    def error(self) -> Error:
        """The error of the reply: the message is the specification's, the data is the reason."""
        return Error(self.code, MESSAGES[self.code], self.reason)


class Frame(NamedTuple):
    """The messages of one frame.

    Fields:
        messages: the messages, in order.
        is_batch: whether they came in an array, and are answered with one (section 6).
    """

    messages: Sequence[Message | Refusal]
    is_batch: bool


class Error(msgspec.Struct, omit_defaults=True, gc=False):
    """The error of a reply (section 5.1)."""

    code: int
    message: str
    data: Any | UnsetType = UNSET


class ResultReply(msgspec.Struct, tag_field="jsonrpc", tag=VERSION, gc=False):
    """The reply to a call that succeeded."""

    id: Id
    result: Any


class ErrorReply(msgspec.Struct, tag_field="jsonrpc", tag=VERSION, gc=False):
    """The reply to a call that failed."""

    id: Id
    error: Error


class Notification(msgspec.Struct, tag_field="jsonrpc", tag=VERSION, gc=False):
    """A message without a reply (section 4.1)."""

    method: str
    params: Any


class ServerRequest(msgspec.Struct, tag_field="jsonrpc", tag=VERSION, gc=False):
    """A call from the server to the client."""

    id: str
    method: str
    params: Any


class Progress(msgspec.Struct, gc=False):
    """The parameters of `$/progress`: an item of a stream (LSP 3.17, "Progress Support")."""

    token: str | int | float | None
    value: Any


Reply = ResultReply | ErrorReply

# The exceptions that a decoder raises for invalid input from a peer.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Anything(msgspec.Struct, gc=False):
    """The part that is read of an invalid message: its id, if there is one."""

    id: Id | UnsetType = UNSET


@cache
def _message_decoder(codec: Any) -> Decode:
    decode: Decode = codec.decoder(Message)
    return decode


def message_decoder(codec: Codec) -> Decode:
    """Return a function that decodes a frame with one valid message, as nearly all frames are. See `read_frame`."""
    return _message_decoder(codec)  # type: ignore[arg-type]


def is_call(message: Message) -> bool:
    """Return whether a message must be answered."""
    return message.method is not UNSET and message.id is not UNSET


def read_frame(data: str | bytes, codec: Codec) -> Frame:
    """Return the messages of a frame that is not a single valid message. No input raises an exception.

    Arguments:
        data: the websocket message.
        codec: how messages are encoded.
    """
    try:
        parts = codec.decode(data, list[Raw])
    except msgspec.ValidationError:
        return Frame((_read_part(data, codec),), False)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Frame((Refusal(None, ErrorCode.PARSE_ERROR, f"the message is not {codec.name}"),), False)
    except RecursionError:
        return Frame((Refusal(None, ErrorCode.PARSE_ERROR, "the message is nested too deeply"),), False)
    if not parts:
        return Frame((Refusal(None, ErrorCode.INVALID_REQUEST, "the batch is empty"),), False)
    return Frame([_read_part(part, codec) for part in parts], True)


def _read_part(part: str | bytes | Raw, codec: Codec) -> Message | Refusal:
    try:
        return _checked(codec.decode(part, Message))
    except UNREADABLE:
        return _refuse(part, codec)


def _checked(message: Message) -> Message | Refusal:
    if message.method is UNSET and message.result is UNSET and message.error is UNSET:
        id_ = None if message.id is UNSET else message.id
        return Refusal(id_, ErrorCode.INVALID_REQUEST, "`method` is missing")
    return message


def _refuse(data: str | bytes | Raw, codec: Codec) -> Refusal:
    """Return what is wrong with a message that can be decoded, but is not JSON-RPC."""
    id_: Id = None
    try:
        found = codec.decode(data, _Anything).id
        id_ = None if found is UNSET else found
        codec.decode(data, Message)
    except msgspec.ValidationError as error:
        return Refusal(id_, ErrorCode.INVALID_REQUEST, f"{error}")
    except UNREADABLE:
        pass
    return Refusal(id_, ErrorCode.PARSE_ERROR, f"the message is not {codec.name}")
