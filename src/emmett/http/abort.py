"""`abort` and `redirect`: end the handler with an answer of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NoReturn
from urllib.parse import quote

from ..errors import HTTPException
from .headers import MutableHeaders

_REDIRECTS = (301, 302, 303, 307, 308)
# All that a URI may hold (RFC 3986, 2.2 and 2.3), and the percent sign of what is encoded already.
_URI_CHARACTERS = ":/?#[]@!$&'()*+,;=-._~%"


def abort(
    status: int, body: str | bytes = "", headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None
) -> NoReturn:
    """End the handler: answer with this status.

    Arguments:
        status: the HTTP status, 200 to 599 (1xx are no final answers; RFC 9110, 15.2).
        body: what the answer carries; empty lets the application's error page or the status phrase stand in.
        headers: header fields of the answer: a mapping, or pairs where a field comes several times, as Set-Cookie may.

    On a websocket that was not accepted, this refuses the handshake with the status; later it closes the connection.

    Raises:
        HTTPException: always.
        ValueError: for a status or a header that no answer can have.
    """
    if not 200 <= status <= 599:
        raise ValueError(f"abort({status!r}): the status must be from 200 to 599")
    # Checked here, where the traceback shows the mistake.
    if headers is not None and not isinstance(headers, Mapping):
        headers = list(headers)
    MutableHeaders(headers)
    raise HTTPException(status, body, headers)


def redirect(location: str, status: int = 303) -> NoReturn:
    """End the handler: send the client to another address.

    Arguments:
        location: a path or a whole URL. What a URL cannot hold, such as spaces, backslashes and letters outside of
            ASCII, is percent-encoded as UTF-8.
        status: 301, 302, 303, 307 or 308 (RFC 9110, 15.4). With 303 the client always follows with GET.

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
