"""The grammar of Sec-WebSocket-Extensions (RFC 6455, 9.1): the extensions that a client offers, with parameters.

Every function here takes linear time for any input.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..errors import HandshakeError

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_GAP = re.compile(r"[ \t,]*")
_NAME = re.compile(_TOKEN)
# One parameter with its preceding semicolon. A quoted value may escape any character, but must be a token once the
# quotes and backslashes are removed, so the pattern accepts only that. The possessive `+` after a repetition prevents
# backtracking: a mismatch fails at once, instead of again at every shorter length. The group is atomic instead, because
# CPython 3.11.2 does not go back to where a possessive group began that fails.
_PARAMETER = re.compile(
    rf"""[ \t]*+;[ \t]*+(?P<name>{_TOKEN}+)
    (?:[ \t]*+=[ \t]*+(?:(?P<token>{_TOKEN}+)|"(?P<quoted>(?>(?:\\?{_TOKEN[:-1]})+))"))?""",
    re.VERBOSE,
)
_END = re.compile(r"[ \t]*+(?:,|\Z)")


class Extension(NamedTuple):
    """An extension that one side offers or accepts.

    Attributes:
        name: the name, such as `permessage-deflate`.
        parameters: pairs of name and value, in order; the value is `None` if a parameter has none.
    """

    name: str
    parameters: tuple[tuple[str, str | None], ...] = ()


def parse_extensions(field: str) -> list[Extension]:
    """Parse the value of Sec-WebSocket-Extensions; several fields are joined by commas. An empty value offers nothing.

    Raises:
        HandshakeError: with 400, if the value does not follow the grammar: the handshake must fail (RFC 6455, 9.1).
    """
    extensions = []
    position = _skip_gap(field, 0)
    while position < len(field):
        name = _NAME.match(field, position)
        if name is None:
            raise _malformed(position)
        position = name.end()
        parameters = []
        while (parameter := _PARAMETER.match(field, position)) is not None:
            quoted = parameter["quoted"]
            value = parameter["token"] if quoted is None else quoted.replace("\\", "")
            parameters.append((parameter["name"], value))
            position = parameter.end()
        end = _END.match(field, position)
        if end is None:
            raise _malformed(position)
        extensions.append(Extension(name[0], tuple(parameters)))
        position = _skip_gap(field, end.end())
    return extensions


def encode_extension(extension: Extension) -> str:
    """Return an extension in the syntax of Sec-WebSocket-Extensions."""
    parameters = [name if value is None else f"{name}={value}" for name, value in extension.parameters]
    return "; ".join((extension.name, *parameters))


def _skip_gap(field: str, position: int) -> int:
    """Skip whitespace and the empty members that a list may have (RFC 9110, 5.6.1)."""
    gap = _GAP.match(field, position)
    assert gap is not None
    return gap.end()


def _malformed(position: int) -> HandshakeError:
    return HandshakeError(
        400, f"Sec-WebSocket-Extensions is not a list of extensions: character {position + 1} does not fit"
    )
