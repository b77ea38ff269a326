"""`RouteSet`: the routes of one hostname and one scheme, ready for look-ups."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar

from .linear import Texts
from .patterns import PathPattern

Endpoint = TypeVar("Endpoint")


class Route(Generic[Endpoint]):
    """One registration.

    Arguments:
        pattern: the path.
        endpoint: the object that the route leads to.
        methods: HTTP methods in upper case; `None` takes every method.
        schemes: URL schemes in lower case; `None` takes every scheme.
        hostname: the host of the route, as `split_host` returns it; `None` takes every host.
    """

    __slots__ = ("endpoint", "hostname", "methods", "pattern", "schemes")

    def __init__(
        self,
        pattern: PathPattern,
        endpoint: Endpoint,
        methods: frozenset[str] | None,
        schemes: frozenset[str] | None,
        hostname: str | None,
    ) -> None:
        self.pattern = pattern
        self.endpoint = endpoint
        self.methods = methods
        self.schemes = schemes
        self.hostname = hostname


class _Dynamic(Generic[Endpoint]):
    """Routes whose patterns match the same paths, and where the common expression captures their variables."""

    __slots__ = ("groups", "routes")

    def __init__(self, routes: list[Route[Endpoint]]) -> None:
        self.routes = routes
        self.groups = range(0)

    @property
    def pattern(self) -> PathPattern:
        return self.routes[0].pattern


class RouteSet(Generic[Endpoint]):
    """Routes that the host and the scheme no longer distinguish.

    A path is first looked up in a dict. The paths with variables form one expression, an alternation in the order of
    registration, and each alternative takes linear time (`linear_regex`). The alternative of a pattern that needs a
    `LinearMatcher` is only the text that the pattern starts with; when it is found, the matcher decides.

    Arguments:
        routes: the routes in the order of registration.
    """

    def __init__(self, routes: Iterable[Route[Endpoint]]) -> None:
        self._static: dict[str, list[Route[Endpoint]]] = {}
        self._dynamic: list[_Dynamic[Endpoint]] = []
        by_key: dict[str, _Dynamic[Endpoint]] = {}
        for route in routes:
            for path in route.pattern.static_paths:
                self._static.setdefault(path, []).append(route)
            if route.pattern.is_static:
                continue
            if route.pattern.key in by_key:
                by_key[route.pattern.key].routes.append(route)
            else:
                by_key[route.pattern.key] = dynamic = _Dynamic([route])
                self._dynamic.append(dynamic)
        self._by_marker: dict[int, int] = {}
        self._expression = self._compile()

    def find(
        self, path: str, method: str | None, allowed: set[str]
    ) -> tuple[Route[Endpoint], dict[str, Any]] | tuple[None, None]:
        """Return the route for a path and the values of its variables, or `None` for both.

        Arguments:
            path: the path, percent-decoded.
            method: the HTTP method in upper case; `None` takes a route of any method.
            allowed: collects the methods of routes that match the path but do not take the method.
        """
        routes = self._static.get(path)
        if routes is not None:
            route = _choose(routes, method, allowed)
            if route is not None:
                return route, {}
        if self._expression is None:
            return None, None
        found = self._expression.match(path)
        if found is None or found.lastindex is None:
            return None, None
        index = self._by_marker[found.lastindex]
        first = self._dynamic[index]
        texts = first.pattern.split(path) if first.pattern.regex is None else tuple(map(found.group, first.groups))
        while True:
            if texts is not None:
                route, arguments = _finish(self._dynamic[index].routes, texts, method, allowed)
                if route is not None and arguments is not None:
                    return route, arguments
            # Wrong method, invalid value or no split. This is rare enough to try the other routes one by one.
            index += 1
            if index == len(self._dynamic):
                return None, None
            texts = self._dynamic[index].pattern.split(path)

    def _compile(self) -> re.Pattern[str] | None:
        if not self._dynamic:
            return None
        alternatives = []
        group = 0
        for index, dynamic in enumerate(self._dynamic):
            pattern = dynamic.pattern
            alternative = pattern.regex
            if alternative is None:
                alternative = re.escape(pattern.head)
            else:
                dynamic.groups = range(group + 1, group + 1 + len(pattern.variables))
                group += len(pattern.variables)
            # An empty group at the end is the last one to match, so `lastindex` identifies the alternative. A group
            # around the alternative would as well, but would hide from `re` that alternatives share a common prefix.
            group += 1
            self._by_marker[group] = index
            alternatives.append(f"{alternative}()")
        return re.compile("|".join(alternatives), re.DOTALL)


def _choose(routes: Sequence[Route[Endpoint]], method: str | None, allowed: set[str]) -> Route[Endpoint] | None:
    for route in routes:
        if route.methods is None or method is None or method in route.methods:
            return route
    for route in routes:
        allowed.update(route.methods or ())
    return None


def _finish(
    routes: Sequence[Route[Endpoint]], texts: Texts, method: str | None, allowed: set[str]
) -> tuple[Route[Endpoint] | None, dict[str, Any] | None]:
    """Choose among routes whose patterns match the same texts, and convert the texts for the chosen one."""
    methods: set[str] = set()
    route = _choose(routes, method, methods)
    # Whether the texts are valid values depends only on the types, which these routes share.
    arguments = (route or routes[0]).pattern.convert(texts)
    if route is None and arguments is not None:
        allowed |= methods
    return route, arguments
