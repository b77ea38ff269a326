"""Header fields (RFC 9110, section 5): parsing those of a peer, checking those of the application.

Every function here takes linear time for any input.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from ..errors import RequestError

# Pairs of lower-case name and value, as a parser returns them.
RawHeaders = Sequence[tuple[bytes, bytes]]
# Header fields as an application may pass them.
HeaderFields = Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]]

WHITESPACE = b" \t"

_TOKEN_CHARACTERS = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TOKEN = re.compile(rb"[%b]+" % re.escape(_TOKEN_CHARACTERS))
_CONTROL_CHARACTERS = bytes(code for code in range(0x20) if code != 0x09) + b"\x7f"
# Decoded as latin-1, 0x85 ends a line for `str.splitlines`. It is refused on its own; after another high byte it is
# part of a UTF-8 letter such as "Å", which browsers do put into cookies.
_SUSPECT_CHARACTERS = _CONTROL_CHARACTERS + b"\x85"
_BAD_CHARACTER = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]|(?<![\x80-\xff])\x85")


def is_token(value: bytes) -> bool:
    """Return whether a value is a token: one or more letters, digits, `!#$%&'*+-.^_|~` and backquotes (5.6.2)."""
    return _TOKEN.fullmatch(value) is not None


def split_list(value: bytes) -> list[bytes]:
    """Return the members of a comma-separated list without the empty ones (5.6.1). Quoted commas are not supported."""
    return [member for item in value.split(b",") if (member := item.strip(WHITESPACE))]


def has_member(value: bytes, member: bytes) -> bool:
    """Return whether a comma-separated list has a member, ignoring case.

    Arguments:
        value: the field's value.
        member: the member to look for, in lower case.
    """
    lowered = value.lower()
    if lowered == member:
        return True
    return member in lowered and member in split_list(lowered)


def find_fault(names: Collection[bytes], values: Collection[bytes]) -> str | None:
    """Return a description of the first error in the field names and values of a head, or `None` (RFC 9110, 5.1, 5.5).

    Arguments:
        names: the field names.
        values: the value of each.
    """
    if b"" in names or b"".join(names).translate(None, _TOKEN_CHARACTERS):
        return "the name of a header field is not a token: only letters, digits and !#$%&'*+-.^_`|~ are allowed"
    joined = b"".join(values)
    if len(joined.translate(None, _SUSPECT_CHARACTERS)) == len(joined):
        return None
    for name, value in zip(names, values, strict=True):
        bad = _BAD_CHARACTER.search(value)
        if bad is not None:
            return f"the header field {name[:64].decode()} holds the control character 0x{bad[0][0]:02x}"
    return None


def check_fields(headers: RawHeaders) -> None:
    """Check the header fields of any request: names are tokens, values have no control characters.

    Raises:
        RequestError: with 400 and a description of the error.
    """
    fault = find_fault([name for name, _ in headers], [value for _, value in headers])
    if fault is not None:
        raise RequestError(400, fault)


def encode_fields(headers: HeaderFields, forbidden: Mapping[bytes, str]) -> list[tuple[bytes, bytes]]:
    """Check and encode the header fields of the application for a response.

    Arguments:
        headers: a mapping or pairs; text is encoded as latin-1.
        forbidden: lower-case names that the application may not set, each with the alternative.

    Returns:
        Pairs of lower-case name and value.

    Raises:
        ValueError: a name is forbidden or not a token; a value holds a control character or is not latin-1.
        TypeError: a name or value is neither `str` nor `bytes`.
    """
    pairs: Iterable[tuple[str | bytes, str | bytes]]
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return [_encode_field(name, value, forbidden) for name, value in pairs]


def _encode_field(name: str | bytes, value: str | bytes, forbidden: Mapping[bytes, str]) -> tuple[bytes, bytes]:
    raw_name = _encode(name, "header name", name).lower()
    if not is_token(raw_name):
        raise ValueError(f"header name {name!r} is not a token: allowed are letters, digits and !#$%&'*+-.^_`|~")
    if raw_name in forbidden:
        raise ValueError(f"header {raw_name.decode()!r} cannot be set here: {forbidden[raw_name]}")
    raw_value = _encode(value, "value of header", name)
    # The message omits the value, which may be a secret.
    if len(raw_value.translate(None, _CONTROL_CHARACTERS)) != len(raw_value):
        raise ValueError(f"value of header {name!r} holds a control character, such as CR, LF or NUL")
    return raw_name, raw_value


def _encode(text: str | bytes, what: str, name: str | bytes) -> bytes:
    if isinstance(text, bytes):
        return text
    if not isinstance(text, str):
        raise TypeError(f"{what} {name!r} must be str or bytes, not {type(text).__name__}")
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError(f"{what} {name!r} holds a character outside of latin-1; percent-encode it") from None
