"""`Router`: finds the endpoint registered for a host, scheme, path and method."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final, Generic, NamedTuple, TypeVar

from emmett.errors import ConfigurationError

from .hosts import check_hostname, split_host
from .patterns import PathPattern
from .tables import Route, RouteSet

Endpoint = TypeVar("Endpoint")

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
SCHEMES: Final = ("http", "https", "ws", "wss")


class Match(NamedTuple, Generic[Endpoint]):
    """The result of a look-up.

    Arguments:
        endpoint: the registered endpoint; `None` if there is none.
        arguments: the values of the path's variables, a new dict for every match.
        allowed: without an endpoint, the methods that the path does take, in upper case. If empty, the path does not
            exist (404); otherwise the method is wrong (405), and this is the `Allow` field (RFC 9110, 10.2.1).
    """

    endpoint: Endpoint | None
    arguments: dict[str, Any]
    allowed: frozenset[str]


class Router(Generic[Endpoint]):
    """Finds endpoints by path.

    Routes for the host of the request take precedence over those for every host. Among these, paths without variables
    take precedence over paths with variables, which are tried in the order of registration. A route is skipped in
    favour of later ones if it takes other methods, or if the text of a variable is not a valid value.

    A look-up takes time proportional to the length of the path, whatever the path.
    """

    def __init__(self) -> None:
        self._routes: list[Route[Endpoint]] = []
        self._by_path: dict[tuple[str | None, str], list[Route[Endpoint]]] = {}
        self._hostnames: set[str] = set()
        # Built on the first use after an `add`. The keys are registered hostnames and schemes, or None, so a peer
        # cannot make these dicts grow.
        self._sets: dict[tuple[str | None, str | None], RouteSet[Endpoint]] = {}
        self._searched: dict[tuple[str | None, str | None], tuple[RouteSet[Endpoint], ...]] = {}

    def add(
        self,
        pattern: PathPattern,
        endpoint: Endpoint,
        *,
        methods: Collection[str] | None = None,
        schemes: Collection[str] | None = None,
        hostname: str | None = None,
    ) -> None:
        """Register an endpoint.

        Arguments:
            pattern: the path.
            endpoint: the object that `match` returns.
            methods: HTTP methods in any case; `None` takes every method.
            schemes: URL schemes: http, https, ws, wss; `None` takes every scheme.
            hostname: a full host name without a port; `None` takes every host.

        Raises:
            ConfigurationError: an unknown method or scheme, an invalid host name, or a path that is already registered
                with the same method, scheme and hostname.
        """
        label = f"path {pattern.source!r}"
        route = Route(
            pattern,
            endpoint,
            _names(methods, "method", METHODS, label),
            _names(schemes, "scheme", SCHEMES, label),
            None if hostname is None else check_hostname(hostname),
        )
        keys = [(route.hostname, path) for path in pattern.static_paths or (pattern.key,)]
        for key in keys:
            for other in self._by_path.get(key, ()):
                _check_apart(other, route)
        for key in keys:
            self._by_path.setdefault(key, []).append(route)
        self._routes.append(route)
        if route.hostname is not None:
            self._hostnames.add(route.hostname)
        self._sets.clear()
        self._searched.clear()

    @property
    def has_hostnames(self) -> bool:
        """Whether any route is for a single host. Without such a route, `match` ignores the host."""
        return bool(self._hostnames)

    def match(self, path: str, *, method: str | None = None, scheme: str, host: str) -> Match[Endpoint]:
        """Find the endpoint for a request.

        Arguments:
            path: the path, percent-decoded, as in the ASGI scope.
            method: the HTTP method in upper case; `None`, for websockets, matches a route of any method.
            scheme: the URL scheme in lower case.
            host: the Host header with or without a port, in any case; empty when there is none.
        """
        hostname = None
        if self._hostnames:
            name = split_host(host)[0]
            hostname = name if name in self._hostnames else None
        key = (hostname, scheme if scheme in SCHEMES else None)
        searched = self._searched.get(key)
        if searched is None:
            searched = self._searched[key] = tuple(self._build(*key))
        allowed: set[str] = set()
        for routes in searched:
            route, arguments = routes.find(path, method, allowed)
            if route is not None and arguments is not None:
                return Match(route.endpoint, arguments, frozenset())
        return Match(None, {}, frozenset(allowed))

    def _build(self, hostname: str | None, scheme: str | None) -> Iterator[RouteSet[Endpoint]]:
        """Yield the route sets to search for a host and a scheme, in this order."""
        for name in dict.fromkeys((hostname, None)):
            if (name, scheme) not in self._sets:
                self._sets[name, scheme] = RouteSet(
                    route
                    for route in self._routes
                    if route.hostname == name and (route.schemes is None or scheme in route.schemes)
                )
            yield self._sets[name, scheme]


def _names(given: Collection[str] | None, kind: str, allowed: tuple[str, ...], label: str) -> frozenset[str] | None:
    """Return names in the spelling of the allowed ones."""
    if given is None:
        return None
    by_lower_case = {name.lower(): name for name in allowed}
    names = [given] if isinstance(given, str) else list(given)
    for name in names:
        if name.lower() not in by_lower_case:
            raise ConfigurationError(f"{label}: unknown {kind} {name!r}; the {kind}s are {', '.join(allowed)}")
    if not names:
        raise ConfigurationError(f"{label}: no {kind} given; give one or more of {', '.join(allowed)}, or None for all")
    return frozenset(by_lower_case[name.lower()] for name in names)


def _check_apart(old: Route[Endpoint], new: Route[Endpoint]) -> None:
    """Raise if no request can distinguish two routes of the same path and hostname."""
    methods = _common(old.methods, new.methods)
    schemes = _common(old.schemes, new.schemes)
    if methods and schemes:
        where = f" on host {new.hostname!r}" if new.hostname else ""
        raise ConfigurationError(
            f"path {new.pattern.source!r}{where} is registered twice, for {_describe(old.endpoint)} "
            f"as {old.pattern.source!r} and for {_describe(new.endpoint)}, both for {methods} and {schemes}; "
            "give them different paths, methods, schemes or hostnames"
        )


def _common(first: frozenset[str] | None, second: frozenset[str] | None) -> str:
    """Return in words the overlap of two restrictions, where `None` is no restriction; empty if there is no overlap."""
    if first is None and second is None:
        return "all"
    if first is None or second is None:
        return ", ".join(sorted(first or second or ()))
    return ", ".join(sorted(first & second))


def _describe(endpoint: object) -> str:
    name = getattr(endpoint, "name", None) or getattr(endpoint, "__qualname__", None)
    return repr(name if isinstance(name, str) else endpoint)
