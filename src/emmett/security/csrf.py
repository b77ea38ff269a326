"""`CSRF`: only our own pages may send forms in the name of a visitor."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from html import escape
from typing import Any

from ..ctx import current_request, current_session
from ..datastructures import sdict
from ..errors import ConfigurationError, RequestError, UsageError
from ..http.markup import Markup
from ..http.request import Request
from ..pipeline.hooks import is_awaitable
from ..pipeline.pipe import NextPipe, Pipe
from ..wire.fields import is_token
from ..wire.origin import SAME_ORIGIN, OriginPolicy
from .tokens import is_secret, mask, matches, new_secret

logger = logging.getLogger("emmett.security")

FIELD = "csrf_token"
HEADER = "X-CSRF-Token"
# Where the secret is in the session. A name that begins with an underscore ends with a login: see `SessionPipe.renew`.
SECRET = "_csrf"
# These change nothing (RFC 9110, 9.2.1).
_SAFE = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
# Values of Sec-Fetch-Site for our own pages, and for what a visitor does by himself.
_OURS = frozenset(("same-origin", "none"))
_FORMS = frozenset(("application/x-www-form-urlencoded", "multipart/form-data"))
_ELSEWHERE = "it comes from a page of another site"
_NO_SECRET = "its session has no token, or has ended"
_NO_TOKEN = "it has no token"
_RELOAD = "load its page again, with cookies allowed"
_OTHER_TOKEN = "its token is not that of this session, which may have ended"

# Tells `csrf_field` what the field is called. A server may start a request in the context of another one.
_current_field: ContextVar[tuple[Request | None, str]] = ContextVar("emmett.csrf", default=(None, FIELD))


class CSRF(Pipe):
    """Lets requests that change something pass only when they come from our own pages; others get 403.

    A request must not come from a page elsewhere, which browsers tell in Origin and Sec-Fetch-Site, and must bring the
    token of the visitor's session: in a header field, or else in a field of a form. It stands behind a session pipe.
    GET, HEAD, OPTIONS and TRACE, and websockets, whose origin is checked at the handshake, pass. The first refusal of
    each kind is logged.

    Arguments:
        trusted_origins: pages elsewhere that may send too, as the setting `websocket.origins` takes them.
        exempt: tells, plain or async, whether the running request needs no token, as that of a program that sends no
            cookies: `lambda: "authorization" in request.headers`.
        field: the name of the form field.
        header: the name of the header field.

    Raises:
        ConfigurationError: an origin or a name is not valid.
    """

    def __init__(
        self,
        *,
        trusted_origins: str | Sequence[str] = (),
        exempt: Callable[[], object] | None = None,
        field: str = FIELD,
        header: str = HEADER,
    ) -> None:
        trusted = (trusted_origins,) if isinstance(trusted_origins, str) else tuple(trusted_origins)
        self._policy = OriginPolicy((SAME_ORIGIN, *trusted))
        self._exempt = exempt
        if not field:
            raise ConfigurationError("CSRF(field=''): expected the name of a form field")
        if not is_token(header.encode("latin-1", "replace")):
            raise ConfigurationError(f"CSRF(header={header!r}): expected the name of a header field")
        self._field = field
        self._header = header
        # Faults that were logged: those who cause them must not fill the log.
        self._logged: set[str] = set()

    def open_request(self) -> None:
        # Without a session this fails at the first page, not at the first form.
        _session()
        _current_field.set((current_request.get(), self._field))

    async def pipe_request(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
        request = current_request.get()
        assert request is not None
        if request.method not in _SAFE and not await self._is_exempt():
            fault = self._find_fault(request) or await self._find_wrong_token(request)
            if fault is not None:
                self._log(fault, request)
                remedy = {_NO_TOKEN: self._hint, _ELSEWHERE: "send it from a page of this one"}.get(fault, _RELOAD)
                # Not an HTTPException with words of its own: the application's page for 403 is what a visitor needs.
                raise RequestError(403, f"this request may not be sent from here: {fault}; {remedy}")
        return await next_pipe(**kwargs)

    async def _is_exempt(self) -> bool:
        if self._exempt is None:
            return False
        answer = self._exempt()
        return bool(await answer if is_awaitable(answer) else answer)  # type: ignore[misc]

    def _find_fault(self, request: Request) -> str | None:
        """Say what is wrong with where a request comes from."""
        origin = request.headers.get("origin")
        site = request.headers.get("sec-fetch-site")
        if origin is not None and self._policy.allows(origin, scheme=request.scheme, host=request.host):
            return None
        if origin not in (None, "null"):
            return _ELSEWHERE
        # Browsers leave Origin out of some requests, and send "null" for pages with the referrer policy no-referrer, to
        # their own site too. Sec-Fetch-Site no page can choose; programs send neither.
        return None if site in _OURS or (site is None and origin is None) else _ELSEWHERE

    async def _find_wrong_token(self, request: Request) -> str | None:
        """Say what is wrong with the token of a request."""
        secret = _session().get(SECRET)
        token: object = request.headers.get(self._header)
        if not isinstance(secret, str) or not is_secret(secret):
            # A form of megabytes is not read for those whom nothing lets pass.
            return _NO_TOKEN if token is None and request.content_type not in _FORMS else _NO_SECRET
        if token is None and request.content_type in _FORMS:
            token = (await request.body_params).get(self._field)
        if token is None:
            return _NO_TOKEN
        return None if matches(token, secret) else _OTHER_TOKEN

    @property
    def _hint(self) -> str:
        return f"send the value of csrf_token() in the form field {self._field!r} or the header field {self._header!r}"

    def _log(self, fault: str, request: Request) -> None:
        if fault not in self._logged:
            self._logged.add(fault)
            logger.info(
                "%s %r refused: %s; its Origin is %r, our own %r (more of this kind are not logged)",
                request.method,
                request.path,
                fault,
                request.headers.get("origin"),
                f"{request.scheme}://{request.host}",
            )


def csrf_token() -> str:
    """Return a token for a form or a script of the running session; each call gives another one that is as good.

    Raises:
        UsageError: no session pipe is in the pipeline; or the session has no token yet and cannot be changed any more.
    """
    session = _session()
    secret = session[SECRET]
    if not isinstance(secret, str) or not is_secret(secret):
        secret = session[SECRET] = new_secret()
    return mask(secret)


def csrf_field() -> Markup:
    """Return the token as a hidden field, to be put into a form.

    Raises:
        UsageError: as `csrf_token`.
    """
    request, field = _current_field.get()
    name = field if request is current_request.get() else FIELD
    return Markup(f'<input type="hidden" name="{escape(name)}" value="{csrf_token()}">')


def _session() -> sdict[Any]:
    session = current_session.get()
    if session is None:
        raise UsageError(
            "CSRF keeps its secret in the session: put a session pipe before it, as SessionManager makes it"
        )
    return session
