"""How messages are encoded: JSON in text frames, MessagePack in binary ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import msgspec
from msgspec import Raw

from ..typed.models import decode_model, encode_model

Decode = Callable[[str | bytes | Raw], Any]


class Codec(Protocol):
    """One encoding of messages.

    Attributes:
        name: its name in errors.
    """

    name: str

    def decode(self, data: str | bytes | Raw, type_: Any) -> Any:
        """Return the value of a type.

        Raises:
            msgspec.ValidationError: the data does not have this type.
            msgspec.DecodeError: the data is not in this encoding.
        """

    def decoder(self, type_: Any) -> Decode:
        """Return a function that does what `decode` does for one type."""

    def encode(self, value: Any) -> str | bytes:
        """Return a value as the payload of one frame: text or binary."""

    def is_array(self, data: Raw) -> bool:
        """Return whether encoded data is an array."""

    def is_map(self, data: Raw) -> bool:
        """Return whether encoded data is a map: in JSON, an object."""


@lru_cache(maxsize=1024)
def _json_decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type_, dec_hook=decode_model)


@lru_cache(maxsize=1024)
def _msgpack_decoder(type_: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(type_, dec_hook=decode_model)


class JSONCodec:
    """JSON. It writes text frames, and reads binary ones as well, since some clients send JSON in them."""

    name = "JSON"

    def __init__(self) -> None:
        self._encoder = msgspec.json.Encoder(enc_hook=encode_model)

    def decode(self, data: str | bytes | Raw, type_: Any) -> Any:
        """See `Codec.decode`."""
        return _json_decoder(type_).decode(data)

    def decoder(self, type_: Any) -> Decode:
        """See `Codec.decoder`."""
        return msgspec.json.Decoder(type_, dec_hook=decode_model).decode

    def encode(self, value: Any) -> str:
        """See `Codec.encode`."""
        return self._encoder.encode(value).decode()

    def is_array(self, data: Raw) -> bool:
        """See `Codec.is_array`."""
        return memoryview(data)[0] == 0x5B

    def is_map(self, data: Raw) -> bool:
        """See `Codec.is_map`."""
        return memoryview(data)[0] == 0x7B


class MessagePackCodec:
    """MessagePack (https://msgpack.org) in binary frames."""

    name = "MessagePack"

    def __init__(self) -> None:
        self._encoder = msgspec.msgpack.Encoder(enc_hook=encode_model)

    def decode(self, data: str | bytes | Raw, type_: Any) -> Any:
        """See `Codec.decode`."""
        if isinstance(data, str):
            raise msgspec.DecodeError("a text frame carries no MessagePack")
        return _msgpack_decoder(type_).decode(data)

    def decoder(self, type_: Any) -> Decode:
        """See `Codec.decoder`."""
        decode = msgspec.msgpack.Decoder(type_, dec_hook=decode_model).decode

        def decode_binary(data: str | bytes | Raw) -> Any:
            if isinstance(data, str):
                raise msgspec.DecodeError("a text frame carries no MessagePack")
            return decode(data)

        return decode_binary

    def encode(self, value: Any) -> bytes:
        """See `Codec.encode`."""
        return self._encoder.encode(value)

    def is_array(self, data: Raw) -> bool:
        """See `Codec.is_array`: fixarray, array 16 and array 32."""
        first = memoryview(data)[0]
        return first & 0xF0 == 0x90 or first in (0xDC, 0xDD)

    def is_map(self, data: Raw) -> bool:
        """See `Codec.is_map`: fixmap, map 16 and map 32."""
        first = memoryview(data)[0]
        return first & 0xF0 == 0x80 or first in (0xDE, 0xDF)


JSON = JSONCodec()
MESSAGE_PACK = MessagePackCodec()

# The subprotocols that select an encoding (RFC 6455, 1.9); a client that offers none gets JSON.
SUBPROTOCOLS: dict[str, Codec] = {"jsonrpc-2.0": JSON, "jsonrpc-2.0+msgpack": MESSAGE_PACK}


def choose_codec(offered: Sequence[str]) -> tuple[str | None, Codec]:
    """Return the first offered subprotocol that is supported, and its encoding; None and JSON without one."""
    for name in offered:
        if name in SUBPROTOCOLS:
            return name, SUBPROTOCOLS[name]
    return None, JSON
