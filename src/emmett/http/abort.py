"""`abort` and `redirect`: end the handler with an answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NoReturn
from urllib.parse import quote

from ..errors import HTTPException
from .headers import MutableHeaders

_REDIRECTS = (301, 302, 303, 307, 308)
# The characters that a URI may contain (RFC 3986, 2.2 and 2.3), and the percent sign of those already encoded.
_URI_CHARACTERS = ":/?#[]@!$&'()*+,;=-._~%"


def abort(
    status: int, body: str | bytes = "", headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None
) -> NoReturn:
    """End the handler and answer with this status.

    Arguments:
        status: the HTTP status, 200 to 599 (1xx are not final answers; RFC 9110, 15.2).
        body: the body of the answer; if empty, the application's error page or the status phrase is sent.
        headers: header fields of the answer: a mapping, or pairs if a field, such as Set-Cookie, is repeated.

    On a websocket that was not accepted, this refuses the handshake with the status; later, it closes the connection.

    Raises:
        HTTPException: always.
        ValueError: the status or a header is invalid in an answer.
    """
    if not 200 <= status <= 599:
        raise ValueError(f"abort({status!r}): the status must be from 200 to 599")
    # Checked here, where the traceback shows the mistake.
    if headers is not None and not isinstance(headers, Mapping):
        headers = list(headers)
    MutableHeaders(headers)
    raise HTTPException(status, body, headers)


def redirect(location: str, status: int = 303) -> NoReturn:
    """End the handler and send the client to another address.

    Arguments:
        location: a path or a full URL. Characters that are not allowed in a URL, such as spaces, backslashes and
            non-ASCII letters, are percent-encoded as UTF-8.
        status: 301, 302, 303, 307 or 308 (RFC 9110, 15.4). With 303, the client always follows with GET.

    Raises:
        HTTPException: always.
        ValueError: for another status, and for an empty location or one with control characters.
    """
    if status not in _REDIRECTS:
        raise ValueError(f"redirect status {status!r}: allowed are {', '.join(map(str, _REDIRECTS))}")
    if not location:
        raise ValueError("redirect to an empty location: expected a path or a URL")
    if any(character < " " or character == "\x7f" for character in location):
        raise ValueError(f"redirect to {location!r}: control characters are not allowed")
    raise HTTPException(status, headers={"Location": quote(location, safe=_URI_CHARACTERS)})
