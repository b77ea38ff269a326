"""Publications as bytes, for brokers.

One byte gives the type of what follows: `t` text in UTF-8, `b` binary, `j` and `l` the member that joined or left, as
JSON. After `d` come the details of a message, as a line of JSON, and then the message. `c` begins a carrier, with text
fields that observers of the publisher sent along: two bytes for the length of a JSON object, the object, and a payload
of another type. Payloads that other programs publish are read by the same rules; nothing that could be code is ever
loaded.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from .publication import Details, Kind

# Bytes in the details of a publication.
MAX_DETAILS = 16_384
# The longest carrier in bytes.
MAX_CARRIER = 8192

_encode_details = msgspec.json.Encoder().encode
_decode_details = msgspec.json.Decoder(Details).decode


def pack(data: str | bytes, kind: Kind = Kind.MESSAGE, details: Details | None = None) -> bytes:
    """Return the bytes that a broker carries.

    Raises:
        TypeError: the data is neither `str` nor `bytes`.
        UnicodeEncodeError: the text has lone surrogates, which UTF-8 cannot express.
        ValueError: the details are longer than 16,384 bytes.
    """
    if details is not None:
        head = _encode_details(details)
        if len(head) > MAX_DETAILS:
            raise ValueError(
                f"the details of a publication are {len(head)} bytes of JSON: expected {MAX_DETAILS} at most"
            )
        return b"d" + head.replace(b"\n", b" ") + b"\n" + pack(data, kind)
    if isinstance(data, str):
        return _TEXTS[kind] + data.encode()
    if isinstance(data, bytes):
        return b"b" + data
    raise TypeError(f"a publication is str or bytes, not {type(data).__name__}")


def unpack(payload: bytes) -> tuple[str | bytes, Kind, Details | None]:
    """Decode a payload made by `pack`; return data, kind and details.

    Raises:
        ValueError: `pack` did not make this payload.
    """
    mark, rest = payload[:1], payload[1:]
    if mark == b"b":
        return rest, Kind.MESSAGE, None
    if mark in _KINDS:
        return rest.decode(), _KINDS[mark], None
    if mark == b"d":
        return _unpack_detailed(rest)
    raise ValueError(f"a payload that begins with {mark!r}: expected 't', 'b', 'j', 'l' or 'd'")


def _unpack_detailed(rest: bytes) -> tuple[str | bytes, Kind, Details]:
    head, _, message = rest.partition(b"\n")
    if len(head) > MAX_DETAILS or message[:1] not in (b"t", b"b"):
        raise ValueError("a payload with details and without a message")
    try:
        details = _decode_details(head)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"not the details of a publication: {error}") from None
    data, kind, _ = unpack(message)
    return data, kind, details


def carry(payload: bytes, carrier: Mapping[str, str]) -> bytes:
    """Return a payload that a carrier comes with; the payload itself if the carrier is empty.

    Raises:
        ValueError: the carrier is longer than `MAX_CARRIER` bytes as JSON.
    """
    if not carrier:
        return payload
    fields = msgspec.json.encode(carrier)
    if len(fields) > MAX_CARRIER:
        raise ValueError(f"observers added {len(fields)} bytes to a publication; the limit is {MAX_CARRIER}")
    return b"c" + len(fields).to_bytes(2, "big") + fields + payload


def split_carrier(payload: bytes) -> tuple[Mapping[str, str], bytes]:
    """Return the carrier of a payload made by `carry`, and the payload that it came with.

    Raises:
        ValueError: `carry` did not make this payload.
    """
    if payload[:1] != b"c":
        raise ValueError("a payload without a carrier")
    end = 3 + int.from_bytes(payload[1:3], "big")
    if end > 3 + MAX_CARRIER or end >= len(payload):
        raise ValueError("a payload whose carrier is too long or cut off")
    try:
        carrier = _decode_carrier(payload[3:end])
    except msgspec.MsgspecError as error:
        raise ValueError(f"a payload whose carrier is not an object of texts: {error}") from None
    return carrier, payload[end:]


_decode_carrier = msgspec.json.Decoder(dict[str, str]).decode
_TEXTS = {Kind.MESSAGE: b"t", Kind.JOIN: b"j", Kind.LEAVE: b"l"}
_KINDS = {mark: kind for kind, mark in _TEXTS.items()}
