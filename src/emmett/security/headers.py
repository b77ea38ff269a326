"""`SecurityHeaders`: header fields that tell browsers to be careful."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

from ..ctx import current_request, current_response
from ..errors import ConfigurationError, UsageError
from ..http.headers import MutableHeaders
from ..http.response import Response
from ..pipeline.pipe import Pipe

# The page's own files, nothing else; scripts and styles inside of the page only with the nonce.
DEFAULT_POLICY = (
    "default-src 'self'; script-src 'self' 'nonce'; style-src 'self' 'nonce'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'"
)
_POLICY = "content-security-policy"
_NONCE = re.compile(r" ?'nonce'")
# What frame options are called in a policy.
_FRAME_ANCESTORS = {"DENY": "'none'", "SAMEORIGIN": "'self'"}


class SecurityHeaders(Pipe):
    """Adds header fields that tell browsers to be careful. What a handler sets itself stays as it is.

    `x-content-type-options: nosniff` always belongs to them. For each of the others `None` leaves it out. In a module,
    another one replaces what it has values for.

    Arguments:
        content_security_policy: where scripts, styles, pictures and the like may come from (CSP level 3). `'nonce'` in
            it stands for the nonce of the page, where `csp_nonce()` was asked for one.
        frame_options: which pages may frame this one: none by `DENY`, those of its origin by `SAMEORIGIN` (RFC 7034).
            A policy without `frame-ancestors` gets this one's, since browsers look at the policy first.
        referrer_policy: what links tell other sites of this one.
        opener_policy: `Cross-Origin-Opener-Policy`: what windows that this page opened may reach.
        permissions_policy: which features of the browser pages may use.
        hsts: seconds for which a browser must come by https only (RFC 6797); sent over https only.

    Raises:
        ConfigurationError: a value cannot stand in a header field, or makes no sense.
    """

    def __init__(
        self,
        *,
        content_security_policy: str | None = DEFAULT_POLICY,
        frame_options: str | None = "DENY",
        referrer_policy: str | None = "strict-origin-when-cross-origin",
        opener_policy: str | None = "same-origin",
        permissions_policy: str | None = "camera=(), geolocation=(), microphone=()",
        hsts: int | None = 31_536_000,
    ) -> None:
        if frame_options not in (None, "DENY", "SAMEORIGIN"):
            raise ConfigurationError(
                f"SecurityHeaders(frame_options={frame_options!r}): expected DENY, SAMEORIGIN or None"
            )
        if hsts is not None and (type(hsts) is not int or hsts < 0):
            raise ConfigurationError(
                f"SecurityHeaders(hsts={hsts!r}): expected a number of seconds, at least 0, or None"
            )
        self._policy = _with_frames(content_security_policy, frame_options)
        self._hsts = None if hsts is None else f"max-age={hsts}"
        given = {
            "cross-origin-opener-policy": opener_policy,
            "permissions-policy": permissions_policy,
            "referrer-policy": referrer_policy,
            "x-content-type-options": "nosniff",
            "x-frame-options": frame_options,
        }
        self._fields = {name: value for name, value in given.items() if value is not None}
        try:
            MutableHeaders({**self._fields, _POLICY: self._policy or ""})
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"SecurityHeaders: {error}") from None

    def open_request(self) -> None:
        request, response = current_request.get(), current_response.get()
        assert request is not None
        assert response is not None
        response.headers.update(self._fields)
        if self._hsts is not None and request.scheme == "https":
            response.headers["strict-transport-security"] = self._hsts
        if self._policy is not None:
            page = _Page(self._policy, response)
            response.headers[_POLICY] = page.written
            _current_page.set(page)


def _with_frames(policy: str | None, frame_options: str | None) -> str | None:
    """Return a policy that says what the frame options say, unless it has a word of its own on frames."""
    if not isinstance(policy, str) or frame_options is None:
        return policy
    names = [words[0].lower() for directive in policy.split(";") if (words := directive.split())]
    if "frame-ancestors" in names:
        return policy
    return "; ".join(filter(None, (policy.rstrip("; "), f"frame-ancestors {_FRAME_ANCESTORS[frame_options]}")))


class _Page:
    """The policy of one response, and its nonce once there is one."""

    def __init__(self, policy: str, response: Response) -> None:
        self.policy = policy
        self.response = response
        self.written = _NONCE.sub("", policy)
        self.nonce: str | None = None

    def make_nonce(self) -> str:
        self.nonce = nonce = secrets.token_urlsafe(16)
        # A policy that the handler has set itself is its own.
        if self.response.headers.get(_POLICY) == self.written:
            self.written = _NONCE.sub(f" 'nonce-{nonce}'", self.policy)
            self.response.headers[_POLICY] = self.written
        return nonce


_current_page: ContextVar[_Page | None] = ContextVar("emmett.csp", default=None)


def csp_nonce() -> str:
    """Return the nonce of the running response: `<script nonce="{{ csp_nonce() }}">` is then run by browsers.

    The same one however often it is asked for, and another one for each response.

    Raises:
        UsageError: outside of a request behind `SecurityHeaders` with a content security policy.
    """
    page = _current_page.get()
    if page is None or page.response is not current_response.get():
        raise UsageError("csp_nonce() needs SecurityHeaders, with a content_security_policy, in the pipeline")
    return page.nonce or page.make_nonce()
