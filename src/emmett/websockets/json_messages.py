"""JSON messages: decoding into the type that an application asks for, and encoding."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import msgspec

from ..errors import MessageError
from ..typed.models import decode_model, encode_model, find_undecodable
from ..wire.close import CloseCode

Decode = Callable[[str | bytes], Any]

_decode_any = msgspec.json.Decoder().decode
_encoder = msgspec.json.Encoder(enc_hook=encode_model)


def find_decoder(type_: Any) -> Decode:
    """Return the function that decodes a message into a type.

    Raises:
        TypeError: no data can be decoded into this type.
    """
    if type_ is Any:
        return _decode_any
    try:
        return _make_decoder(type_)
    except TypeError:
        # The type may just be unhashable; if not, this raises the real error.
        return _make_decoder.__wrapped__(type_)


@functools.lru_cache(maxsize=256)
def _make_decoder(type_: Any) -> Decode:
    strange = find_undecodable(type_)
    if strange is not None:
        raise TypeError(
            f"receive_json({getattr(type_, '__qualname__', type_)}): no JSON can be decoded into "
            f"{strange.__qualname__}; use a Struct, a dataclass, a TypedDict, a pydantic model or a built-in type"
        )
    return msgspec.json.Decoder(type_, dec_hook=decode_model).decode


def decode_json(message: str | bytes, decode: Decode) -> Any:
    """Decode a message.

    Raises:
        MessageError: with 1007, if the message is not JSON or not of the type.
    """
    try:
        return decode(message)
    except msgspec.ValidationError as error:
        reason = " ".join(f"unexpected JSON: {error}".split())
        # The largest reason of a Close frame (RFC 6455, 5.5).
        raise MessageError(CloseCode.INVALID_DATA, reason.encode()[:123].decode(errors="ignore")) from None
    except RecursionError:
        raise MessageError(CloseCode.INVALID_DATA, "JSON nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise MessageError(CloseCode.INVALID_DATA, "expected a message in JSON") from None


def encode_json(data: Any) -> str:
    """Encode data as JSON.

    Raises:
        TypeError: JSON cannot express the data.
    """
    try:
        return _encoder.encode(data).decode()
    except NotImplementedError as error:
        raise TypeError(f"JSON cannot express this: {error}") from None
