"""Commands and replies in JSON, and the port that both encodings implement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
from msgspec import Raw

from .codes import bad_request
from .messages import NOTHING, ClientReply, Command

# Encodings of data inside a message.
_check_json = msgspec.json.Decoder(Raw).decode
_encode = msgspec.json.Encoder().encode


class Emulation(NamedTuple):
    """Commands of a client that receives messages in another response, with the node and session that they are for."""

    node: str
    session: str
    frame: str | bytes


class UnreadableFrame(Exception):
    """A frame that does not contain commands of the protocol."""


class ClientCodec(Protocol):
    """Decodes the frames of a client, and encodes its replies and pushes."""

    @property
    def name(self) -> str:
        """The name: "json" or "protobuf"."""

    @property
    def subprotocol(self) -> str:
        """The websocket subprotocol."""

    @property
    def ping(self) -> str | bytes:
        """The message that the client must answer."""

    def decode(self, frame: str | bytes) -> Sequence[Command]:
        """Return the commands of a frame, in order.

        Raises:
            UnreadableFrame: it contains anything else.
        """

    def decode_emulation(self, body: bytes) -> Emulation:
        """Return the content of a request with commands.

        Raises:
            UnreadableFrame: it contains anything else.
        """

    def encode(self, replies: Sequence[ClientReply]) -> str | bytes:
        """Return a frame with replies and pushes."""

    def wrap(self, data: str | bytes) -> Raw:
        """Return the data of a publication in the form that messages contain."""

    def escape(self, content: bytes) -> Raw:
        """Return data, or a delta, in the form that messages of a delta subscription contain."""

    def unwrap(self, data: Raw) -> str | bytes:
        """Return a client's data in the form that is published.

        Raises:
            CommandFailed: it cannot be published.
        """


class _TextEmulation(msgspec.Struct):
    session: str
    node: str
    data: str


class JSONClientCodec:
    """One object for each command, reply or push, separated by newlines."""

    name = "json"
    subprotocol = "centrifuge-json"
    ping = "{}"

    def __init__(self) -> None:
        self._decode = msgspec.json.Decoder(Command).decode_lines
        self._decode_emulation = msgspec.json.Decoder(_TextEmulation).decode

    def decode(self, frame: str | bytes) -> Sequence[Command]:
        """See `ClientCodec`."""
        try:
            return self._decode(frame)
        except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
            raise UnreadableFrame(str(error)) from None

    def decode_emulation(self, body: bytes) -> Emulation:
        """See `ClientCodec`."""
        try:
            request = self._decode_emulation(body)
        except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
            raise UnreadableFrame(str(error)) from None
        return Emulation(request.node, request.session, request.data)

    def encode(self, replies: Sequence[ClientReply]) -> str:
        """See `ClientCodec`."""
        return b"\n".join(map(_encode, replies)).decode()

    def wrap(self, data: str | bytes) -> Raw:
        """Return data as JSON: text that is JSON as it is, other text as a string, other bytes in base64."""
        try:
            text = data if isinstance(data, str) else data.decode()
            _check_json(text)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            return Raw(_encode(data))
        # A newline would end the message.
        return Raw(text.replace("\n", " ").encode())

    def escape(self, content: bytes) -> Raw:
        """Return text as a JSON string: a delta is not JSON."""
        return Raw(_encode(content.decode()))

    def unwrap(self, data: Raw) -> str:
        """Return the JSON as text."""
        if data == NOTHING:
            raise bad_request()
        return bytes(data).decode()


JSON = JSONClientCodec()


def json_data(value: Any) -> Raw:
    """Return a value of the application as JSON for a message; nothing for None.

    Raises:
        TypeError: JSON cannot express it.
    """
    return NOTHING if value is None else Raw(_encode(value))
