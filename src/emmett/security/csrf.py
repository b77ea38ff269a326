"""`CSRF`: only the application's own pages may send forms on behalf of a visitor."""

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
from .senders import comes_from_elsewhere
from .tokens import is_secret, mask, matches, new_secret

logger = logging.getLogger("emmett.security")

FIELD = "csrf_token"
HEADER = "X-CSRF-Token"
# The secret's key in the session. Names that begin with an underscore are removed at a login: see `SessionPipe.renew`.
SECRET = "_csrf"
# Safe methods (RFC 9110, 9.2.1).
_SAFE = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
_FORMS = frozenset(("application/x-www-form-urlencoded", "multipart/form-data"))
_ELSEWHERE = "it comes from a page of another site"
_NO_SECRET = "its session has no token, or has ended"
_NO_TOKEN = "it has no token"
_RELOAD = "load its page again, with cookies allowed"
_OTHER_TOKEN = "its token is not that of this session, which may have ended"

# The field name that `csrf_field` uses. A server may start a request in the context of another one.
_current_field: ContextVar[tuple[Request | None, str]] = ContextVar("emmett.csrf", default=(None, FIELD))


class CSRF(Pipe):
    """Lets unsafe requests pass only if they come from the application's own pages; others get 403.

    A request must not come from a page of another site, which browsers report in Origin and Sec-Fetch-Site, and must
    carry the token of the visitor's session, in a header field or in a form field. The pipe needs a session pipe before
    it. GET, HEAD, OPTIONS and TRACE pass, and so do websockets, whose origin is checked at the handshake. The first
    refusal of each kind is logged.

    Arguments:
        trusted_origins: other sites whose pages may send too, in the form of the setting `websocket.origins`.
        exempt: a plain or async function that returns whether the current request needs no token, such as that of a
            program that sends no cookies: `lambda: "authorization" in request.headers`.
        field: the name of the form field.
        header: the name of the header field.

    Attributes:
        header: the same.

    Raises:
        ConfigurationError: an origin or a name is invalid.
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
        self.header = header
        # Faults that were logged: their senders must not be able to fill the log.
        self._logged: set[str] = set()

    def open_request(self) -> None:
        # A missing session is an error at the first page, rather than at the first form.
        _session()
        _current_field.set((current_request.get(), self._field))

    async def pipe_request(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
        request = current_request.get()
        assert request is not None
        if request.method not in _SAFE and not await self._is_exempt():
            elsewhere = comes_from_elsewhere(request, self._policy)
            fault = _ELSEWHERE if elsewhere else await self._find_wrong_token(request)
            if fault is not None:
                self._log(fault, request)
                remedy = {_NO_TOKEN: self._hint, _ELSEWHERE: "send it from a page of this one"}.get(fault, _RELOAD)
                # Not an HTTPException with a body of its own: the application's page for 403 is shown.
                raise RequestError(403, f"this request may not be sent from here: {fault}; {remedy}")
        return await next_pipe(**kwargs)

    async def _is_exempt(self) -> bool:
        if self._exempt is None:
            return False
        answer = self._exempt()
        return bool(await answer if is_awaitable(answer) else answer)  # type: ignore[misc]

    async def _find_wrong_token(self, request: Request) -> str | None:
        """Return what is wrong with the token of a request; None if nothing is."""
        secret = _session().get(SECRET)
        token: object = request.headers.get(self.header)
        if not isinstance(secret, str) or not is_secret(secret):
            # A form of megabytes is not read if no token could be valid.
            return _NO_TOKEN if token is None and request.content_type not in _FORMS else _NO_SECRET
        if token is None and request.content_type in _FORMS:
            token = (await request.body_params).get(self._field)
        if token is None:
            return _NO_TOKEN
        return None if matches(token, secret) else _OTHER_TOKEN

    @property
    def _hint(self) -> str:
        return f"send the value of csrf_token() in the form field {self._field!r} or the header field {self.header!r}"

    def _log(self, fault: str, request: Request) -> None:
        if fault not in self._logged:
            self._logged.add(fault)
            logger.info(
                "%s %r refused: %s; its Origin is %r, the application's is %r (more of this kind are not logged)",
                request.method,
                request.path,
                fault,
                request.headers.get("origin"),
                f"{request.scheme}://{request.host}",
            )


def csrf_token() -> str:
    """Return a token for a form or a script of the current session. Each call returns another, equally valid one.

    Raises:
        UsageError: no session pipe is in the pipeline; or the session has no token yet and can no longer be changed.
    """
    session = _session()
    secret = session[SECRET]
    if not isinstance(secret, str) or not is_secret(secret):
        secret = session[SECRET] = new_secret()
    return mask(secret)


def csrf_field() -> Markup:
    """Return the token as a hidden form field.

    Raises:
        UsageError: as `csrf_token`.
    """
    request, field = _current_field.get()
    name = field if request is current_request.get() else FIELD
    return Markup(f'<input type="hidden" name="{escape(name)}" value="{csrf_token()}">')


def _session() -> sdict[Any]:
    session = current_session.get()
    if session is None:
        raise UsageError("CSRF keeps its secret in the session: put a session pipe of SessionManager before it")
    return session
