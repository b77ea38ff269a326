"""`SecurityHeaders`: header fields that restrict what browsers do with a page."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

from ..ctx import current_request, current_response
from ..errors import ConfigurationError, UsageError
from ..http.headers import MutableHeaders
from ..http.response import Response
from ..pipeline.pipe import Pipe

# Only the page's own files; inline scripts and styles only with the nonce.
DEFAULT_POLICY = (
    "default-src 'self'; script-src 'self' 'nonce'; style-src 'self' 'nonce'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'"
)
_POLICY = "content-security-policy"
_NONCE = re.compile(r" ?'nonce'")
# The sources in a policy that correspond to the frame options.
_FRAME_ANCESTORS = {"DENY": "'none'", "SAMEORIGIN": "'self'"}


class SecurityHeaders(Pipe):
    """Adds header fields that restrict what browsers do with a page. Fields that a handler sets are not changed.

    `x-content-type-options: nosniff` is always added. Every other field can be left out with `None`. A second pipe, in
    a module, replaces the fields for which it has values.

    Arguments:
        content_security_policy: the allowed sources of scripts, styles, pictures and the like (CSP level 3). `'nonce'`
            is replaced by the nonce of the page if `csp_nonce()` was called.
        frame_options: which pages may frame this one: `DENY` for none, `SAMEORIGIN` for those of its origin (RFC 7034).
            A policy without `frame-ancestors` gets the same restriction, since browsers prefer the policy.
        referrer_policy: how much of this page's address links send to other sites.
        opener_policy: `Cross-Origin-Opener-Policy`: which windows opened by this page share its browsing context.
        permissions_policy: which features of the browser pages may use.
        hsts: how long a browser must use https only, in seconds (RFC 6797); sent over https only.

    Raises:
        ConfigurationError: a value is invalid in a header field, or makes no sense.
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
    """Return a policy with the restriction of the frame options, unless it has a `frame-ancestors` of its own."""
    if not isinstance(policy, str) or frame_options is None:
        return policy
    names = [words[0].lower() for directive in policy.split(";") if (words := directive.split())]
    if "frame-ancestors" in names:
        return policy
    return "; ".join(filter(None, (policy.rstrip("; "), f"frame-ancestors {_FRAME_ANCESTORS[frame_options]}")))


class _Page:
    """The policy of one response, and its nonce once it is created."""

    def __init__(self, policy: str, response: Response) -> None:
        self.policy = policy
        self.response = response
        self.written = _NONCE.sub("", policy)
        self.nonce: str | None = None

    def make_nonce(self) -> str:
        self.nonce = nonce = secrets.token_urlsafe(16)
        # A policy that the handler has set is left unchanged.
        if self.response.headers.get(_POLICY) == self.written:
            self.written = _NONCE.sub(f" 'nonce-{nonce}'", self.policy)
            self.response.headers[_POLICY] = self.written
        return nonce


_current_page: ContextVar[_Page | None] = ContextVar("emmett.csp", default=None)


def csp_nonce() -> str:
    """Return the nonce of the current response, for `<script nonce="{{ csp_nonce() }}">`, which browsers then run.

    All calls for a response return the same nonce, and each response has another one.

    Raises:
        UsageError: outside of a request with `SecurityHeaders` and a content security policy in its pipeline.
    """
    page = _current_page.get()
    if page is None or page.response is not current_response.get():
        raise UsageError("csp_nonce() needs SecurityHeaders, with a content_security_policy, in the pipeline")
    return page.nonce or page.make_nonce()
