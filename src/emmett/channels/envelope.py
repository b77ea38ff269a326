"""Publications as bytes, for brokers.

One byte gives the type of what follows: `t` text in UTF-8, `b` binary, `j` and `l` the member that joined or left, as
JSON. Payloads that other programs publish are read by the same rules; nothing that could be code is ever loaded.
"""

from __future__ import annotations

from .publication import Kind


def pack(data: str | bytes, kind: Kind = Kind.MESSAGE) -> bytes:
    """Return the bytes that a broker carries.

    Raises:
        TypeError: the data is neither `str` nor `bytes`.
        UnicodeEncodeError: the text has lone surrogates, which UTF-8 cannot express.
    """
    if isinstance(data, str):
        return _TEXTS[kind] + data.encode()
    if isinstance(data, bytes):
        return b"b" + data
    raise TypeError(f"a publication is str or bytes, not {type(data).__name__}")


def unpack(payload: bytes) -> tuple[str | bytes, Kind]:
    """Decode a payload made by `pack`; return data and kind.

    Raises:
        ValueError: `pack` did not make this payload.
    """
    mark, rest = payload[:1], payload[1:]
    if mark == b"b":
        return rest, Kind.MESSAGE
    if mark in _KINDS:
        return rest.decode(), _KINDS[mark]
    raise ValueError(f"a payload that begins with {mark!r}: expected 't', 'b', 'j' or 'l'")


_TEXTS = {Kind.MESSAGE: b"t", Kind.JOIN: b"j", Kind.LEAVE: b"l"}
_KINDS = {mark: kind for kind, mark in _TEXTS.items()}
