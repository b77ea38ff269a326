"""`CORS`: which pages of other sites may use an application (Fetch standard, 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

from ..ctx import current_request, current_response
from ..errors import ConfigurationError
from ..http.headers import MutableHeaders
from ..http.response import Response
from ..pipeline.pipe import Pipe
from ..wire.fields import is_token
from ..wire.origin import ANY_ORIGIN, OriginPolicy


class CORS(Pipe):
    """Lets pages of other sites read the answers of its routes, and answers the preflights of their browsers.

    It keeps nobody from asking: that is for `requires` and `CSRF`. Put it before the pipes that may refuse, so that
    their answers can be read too.

    Arguments:
        origins: the sites, as the setting `websocket.origins` takes them: `"https://example.com"`,
            `"https://*.example.com"`, or `"*"` for all.
        methods: the methods that they may use, beside those that a form can send.
        headers: the header fields that they may send, beside the simple ones of the Fetch standard.
        credentials: whether their requests may carry cookies.
        expose: the header fields of answers that they may read, beside the simple ones.
        max_age: seconds for which a browser may keep the answer to a preflight.

    Raises:
        ConfigurationError: a value cannot be; `"*"` with credentials, for one, which would give every site the
            visitors' own pages.
    """

    def __init__(
        self,
        origins: str | Sequence[str],
        *,
        methods: Sequence[str] = ("GET", "HEAD", "POST"),
        headers: Sequence[str] = (),
        credentials: bool = False,
        expose: Sequence[str] = (),
        max_age: int = 600,
    ) -> None:
        self._policy = OriginPolicy(origins)
        self._any = ANY_ORIGIN in self._policy.allowed
        if self._any and credentials:
            raise ConfigurationError(
                'CORS("*", credentials=True) would let every site act as the visitor: name the sites'
            )
        if type(max_age) is not int or max_age < 0:
            raise ConfigurationError(f"CORS(max_age={max_age!r}): expected a number of seconds, at least 0")
        self._methods = _names("methods", methods)
        self._headers = _names("headers", headers)
        self._credentials = credentials
        self._expose = _names("expose", expose)
        self._max_age = max_age

    def open_request(self) -> None:
        # On the response of the request, so that error pages have them too.
        response = current_response.get()
        assert response is not None
        if self._add_origin(response.headers) and self._expose:
            response.headers["access-control-expose-headers"] = ", ".join(self._expose)

    def on_preflight(self, methods: frozenset[str]) -> Response:
        """See `Pipe.on_preflight`: 204 for what may be asked; 403, which the browser takes for no, for the rest."""
        request = current_request.get()
        assert request is not None
        asked = request.headers.get("access-control-request-method", "")
        fields = [name.strip() for name in request.headers.get("access-control-request-headers", "").split(",")]
        known = {name.lower() for name in self._headers}
        headers = MutableHeaders()
        allowed = self._add_origin(headers)
        if not allowed or asked not in self._methods or any(name and name.lower() not in known for name in fields):
            return Response(
                "this request may not be sent from there", 403, {"vary": "origin"}, "text/plain; charset=utf-8"
            )
        headers["access-control-allow-methods"] = ", ".join(name for name in self._methods if name in methods)
        if self._headers:
            headers["access-control-allow-headers"] = ", ".join(self._headers)
        headers["access-control-max-age"] = str(self._max_age)
        return Response(b"", 204, headers)

    def _add_origin(self, headers: MutableHeaders) -> bool:
        """Say which origin may read the answer; returns whether that of the running request may."""
        request = current_request.get()
        assert request is not None
        if self._any:
            headers["access-control-allow-origin"] = "*"
            return True
        headers.append("vary", "origin")
        origin = request.headers.get("origin")
        if origin is None or not self._policy.allows(origin, scheme=request.scheme, host=request.host):
            return False
        headers["access-control-allow-origin"] = origin
        if self._credentials:
            headers["access-control-allow-credentials"] = "true"
        return True


def _names(option: str, given: Sequence[str]) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else tuple(given)
    for name in names:
        if not is_token(name.encode("latin-1", "replace")):
            raise ConfigurationError(
                f"CORS({option}=…): {name!r} is not a name; expected such as 'PUT' or 'X-Request-Id'"
            )
    return tuple(name.upper() for name in names) if option == "methods" else names
