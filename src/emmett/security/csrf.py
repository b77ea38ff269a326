"""`CSRF`: only our own pages may send forms in the name of a visitor."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from ..ctx import current_request, current_session
from ..datastructures import sdict
from ..errors import HTTPException, UsageError
from ..http.request import Request
from ..pipeline.hooks import is_awaitable
from ..pipeline.pipe import NextPipe, Pipe
from ..wire.origin import SAME_ORIGIN, OriginPolicy
from .tokens import is_secret, mask, matches, new_secret

logger = logging.getLogger("emmett.security")

FIELD = "csrf_token"
HEADER = "X-CSRF-Token"
# Where the secret is in the session. A name that begins with an underscore ends with a login: see `SessionPipe.renew`.
SECRET = "_csrf"
# These change nothing (RFC 9110, 9.2.1).
_SAFE = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
_HINT = f"send the value of csrf_token() in the form field {FIELD!r} or the header field {HEADER!r}"


class CSRF(Pipe):
    """Lets requests that change something pass only when they come from our own pages; others get 403.

    A request must not come from a page elsewhere, which browsers tell in Origin and Sec-Fetch-Site, and must bring the
    token of the visitor's session: in the form field `csrf_token`, or in the header field `X-CSRF-Token`. It stands
    behind a session pipe. GET, HEAD, OPTIONS and TRACE, and websockets, whose origin is checked at the handshake, pass.

    Arguments:
        trusted_origins: pages elsewhere that may send too, as the setting `websocket.origins` takes them.
        exempt: tells, plain or async, whether the running request needs no token, as that of a program that sends no
            cookies: `lambda: "authorization" in request.headers`.

    Raises:
        ConfigurationError: an origin is not valid.
    """

    def __init__(
        self, *, trusted_origins: str | Sequence[str] = (), exempt: Callable[[], object] | None = None
    ) -> None:
        trusted = (trusted_origins,) if isinstance(trusted_origins, str) else tuple(trusted_origins)
        self._policy = OriginPolicy((SAME_ORIGIN, *trusted))
        self._exempt = exempt

    async def pipe_request(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
        request = current_request.get()
        assert request is not None
        if request.method not in _SAFE and not await self._is_exempt():
            fault = self._find_fault(request) or await _find_wrong_token(request)
            if fault is not None:
                logger.info("%s %r refused: %s", request.method, request.path, fault)
                raise HTTPException(403, f"this request may not be sent from here: {fault}")
        return await next_pipe(**kwargs)

    async def _is_exempt(self) -> bool:
        if self._exempt is None:
            return False
        answer = self._exempt()
        return bool(await answer if is_awaitable(answer) else answer)  # type: ignore[misc]

    def _find_fault(self, request: Request) -> str | None:
        """Say what is wrong with where a request comes from."""
        origin = request.headers.get("origin")
        if origin is not None:
            allowed = self._policy.allows(origin, scheme=request.scheme, host=request.host)
            return None if allowed else "it comes from a page of another site"
        # Browsers leave Origin out of some requests, and say this in all.
        site = request.headers.get("sec-fetch-site", "none").lower()
        return None if site in ("same-origin", "none") else "it comes from a page of another site"


async def _find_wrong_token(request: Request) -> str | None:
    """Say what is wrong with the token of a request."""
    secret = _session().get(SECRET)
    token: object = request.headers.get(HEADER)
    if token is None:
        token = (await request.body_params).get(FIELD)
    if token is None:
        return f"it has no token; {_HINT}"
    if not isinstance(secret, str) or not is_secret(secret) or not matches(token, secret):
        return f"its token is not that of this session, which may have ended; {_HINT}"
    return None


def csrf_token() -> str:
    """Return a token for a form or a script of the running session; each call gives another one that is as good.

    Raises:
        UsageError: no session pipe is in the pipeline; or the session has no token yet and cannot be changed any more.
    """
    session = _session()
    secret = session.get(SECRET)
    if not isinstance(secret, str) or not is_secret(secret):
        secret = session[SECRET] = new_secret()
    return mask(secret)


class Markup(str):
    """Text that is HTML already: templates do not escape it."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


def csrf_field() -> Markup:
    """Return the token as a hidden field, to be put into a form.

    Raises:
        UsageError: as `csrf_token`.
    """
    return Markup(f'<input type="hidden" name="{FIELD}" value="{escape(csrf_token())}">')


def _session() -> sdict[Any]:
    session = current_session.get()
    if session is None:
        raise UsageError(
            "CSRF keeps its secret in the session: put a session pipe before it, as SessionManager makes it"
        )
    return session
