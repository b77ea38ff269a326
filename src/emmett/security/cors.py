"""`CORS`: which pages of other sites may use an application (Fetch standard, 3.2)."""

from __future__ import annotations

from collections.abc import Sequence

from ..ctx import current_request, current_response
from ..errors import ConfigurationError
from ..http.headers import MutableHeaders
from ..http.request import Request
from ..http.response import Response
from ..http.vary import add_vary
from ..pipeline.pipe import Pipe
from ..wire.fields import is_token
from ..wire.origin import ANY_ORIGIN, SAME_ORIGIN, OriginPolicy

ANY_NAME = "*"
# Origins that identify no site: every site can create a frame with the origin "null".
_ANYBODY = frozenset((ANY_ORIGIN, "null", "file://"))


class CORS(Pipe):
    """Lets pages of other sites read the answers of its routes, and answers the preflights of their browsers.

    It does not prevent requests: use `requires` and `CSRF` for that. Put it before the pipes that may refuse, so that
    pages can read their answers too.

    Arguments:
        origins: the sites, in the form of the setting `websocket.origins`: `"https://example.com"`,
            `"https://*.example.com"`, or `"*"` for all.
        methods: the methods that they may use, besides those that a form can send.
        headers: the header fields that they may send, besides the simple ones of the Fetch standard; `"*"` for all.
        credentials: whether their requests may carry cookies.
        expose: the header fields of answers that they may read, besides the simple ones; `"*"` for all.
        max_age: how long a browser may cache the answer to a preflight, in seconds.
        private_network: whether pages of public sites may use a server in a private network, in browsers that ask
            (Private Network Access, 3.2).

    Raises:
        ConfigurationError: a value is invalid, for example `"*"` or `"null"` with credentials, which would give every
            site access to the visitors' own pages.
    """

    def __init__(
        self,
        origins: str | Sequence[str],
        *,
        methods: Sequence[str] = ("GET", "HEAD", "POST"),
        headers: str | Sequence[str] = (),
        credentials: bool = False,
        expose: str | Sequence[str] = (),
        max_age: int = 600,
        private_network: bool = False,
    ) -> None:
        self._policy = _check_origins(origins, credentials=credentials)
        self._any = ANY_ORIGIN in self._policy.allowed
        if type(max_age) is not int or max_age < 0:
            raise ConfigurationError(f"CORS(max_age={max_age!r}): expected a number of seconds, at least 0")
        self._methods = tuple(name.upper() for name in _names("methods", methods))
        if ANY_NAME in self._methods:
            raise ConfigurationError("CORS(methods=…): '*' is not a method; list the methods")
        self._headers = _names("headers", headers)
        self._credentials = credentials
        self._expose = _names("expose", expose)
        if ANY_NAME in self._expose and credentials:
            raise ConfigurationError(
                "CORS(expose='*', credentials=True): browsers treat '*' as a field name; list the fields"
            )
        self._private_network = private_network
        self._max_age = max_age

    def open_request(self) -> None:
        # Set on the response of the request, so that error pages have them too.
        response = current_response.get()
        assert response is not None
        if self._add_origin(response.headers) and self._expose:
            response.headers["access-control-expose-headers"] = ", ".join(self._expose)

    def close_request(self) -> None:
        # Without Vary, a cache would give the answer for one origin to all others. Origin is therefore added again if
        # the handler has replaced the field.
        response = current_response.get()
        if response is not None and not self._any:
            add_vary(response.headers, "origin")

    def on_preflight(self, methods: frozenset[str]) -> Response:
        """See `Pipe.on_preflight`: 204 for what is allowed; otherwise 403, which the browser treats as a refusal."""
        request = current_request.get()
        assert request is not None
        headers = MutableHeaders()
        allowed = self._add_origin(headers)
        asked = _list(request, "access-control-request-headers")
        fault = self._find_fault(request, asked) if allowed else "pages of this origin may not send requests here"
        if fault is not None:
            vary = {} if self._any else {"vary": "origin"}
            return Response(f"{fault}\n", 403, vary, "text/plain; charset=utf-8")
        taken = methods | {"HEAD"} if "GET" in methods else methods
        headers["access-control-allow-methods"] = ", ".join(name for name in self._methods if name in taken)
        # A literal star would not include Authorization, and means nothing with credentials.
        if names := asked if ANY_NAME in self._headers else self._headers:
            headers["access-control-allow-headers"] = ", ".join(names)
        if _asks_for_private_network(request):
            headers["access-control-allow-private-network"] = "true"
        headers["access-control-max-age"] = str(self._max_age)
        return Response(b"", 204, headers)

    def _find_fault(self, request: Request, asked: Sequence[str]) -> str | None:
        """Return why a page of an allowed origin may not send this request; None if it may."""
        if request.headers.get("access-control-request-method") not in self._methods:
            return f"pages of other origins may not use this method; allowed are {', '.join(self._methods)}"
        known = {name.lower() for name in self._headers}
        for name in asked:
            if not is_token(name.encode("latin-1", "replace")) or not known & {name.lower(), ANY_NAME}:
                return f"pages of other origins may not send the field {name!r}"
        if _asks_for_private_network(request) and not self._private_network:
            return "pages of public sites may not send requests into this network"
        return None

    def _add_origin(self, headers: MutableHeaders) -> bool:
        """Set the origin that may read the answer; return whether that of the current request may."""
        request = current_request.get()
        assert request is not None
        if self._any:
            headers["access-control-allow-origin"] = "*"
            return True
        add_vary(headers, "origin")
        origin = request.headers.get("origin")
        if origin is None or not self._policy.allows(origin, scheme=request.scheme, host=request.host):
            return False
        headers["access-control-allow-origin"] = origin
        if self._credentials:
            headers["access-control-allow-credentials"] = "true"
        return True


def _list(request: Request, name: str) -> list[str]:
    """Return the members of a list in a header field, without empty ones."""
    return [member for each in request.headers.get(name, "").split(",") if (member := each.strip(" \t"))]


def _asks_for_private_network(request: Request) -> bool:
    return bool(request.headers.get("access-control-request-private-network") == "true")


def _check_origins(origins: str | Sequence[str], *, credentials: bool) -> OriginPolicy:
    policy = OriginPolicy(origins)
    if not policy.allowed or SAME_ORIGIN in policy.allowed:
        raise ConfigurationError(
            f"CORS({origins!r}): name the other sites; pages of the same origin need no permission, and without other "
            "sites no pipe is needed"
        )
    anybody = sorted(_ANYBODY.intersection(policy.allowed))
    if credentials and anybody:
        raise ConfigurationError(
            f"CORS({anybody[0]!r}, credentials=True) would let every site act as the visitor: list the sites"
        )
    return policy


def _names(option: str, given: str | Sequence[str]) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else tuple(given)
    for name in names:
        if not is_token(name.encode("latin-1", "replace")):
            raise ConfigurationError(
                f"CORS({option}=…): {name!r} is not a name; expected a name such as 'PUT' or 'X-Request-Id'"
            )
    return names
