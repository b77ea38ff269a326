"""`AppModule`: a part of an application with its own name, prefix and pipeline."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar, Unpack

from .checks import error_meanings
from .config import CallsSettings, WebsocketSettings
from .dispatch.routes import Handler, HTTPRoute, RouteTable, WebsocketRoute
from .environment import DEVELOP
from .errors import ConfigurationError
from .pipeline import Pipe, compose_request, compose_websocket
from .pipeline.decorator import collect_pipes
from .pipeline.parameters import check_parameters, may_change_arguments
from .pipeline.service import JSONService
from .route_settings import CallsLimits, RequestLimits, WebsocketLimits
from .routing import PathPattern
from .templates import fill_template
from .urls import UrlScope

if TYPE_CHECKING:
    from .calls.calls import Calls
    from .dispatch.request_arguments import RequestArguments
    from .dispatch.request_results import Output

Function = TypeVar("Function", bound=Callable[..., Any])

HTTP_METHODS = ("GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
DEFAULT_METHODS = ("GET", "POST", "HEAD")


class RouteInfo(NamedTuple):
    """A route, as `emmett routes` shows it.

    Fields:
        kind: "http" or "websocket".
        methods: upper case; empty for a websocket.
        path: the path pattern.
        name: the full name, as `url` takes it.
        hostname: the host of the route; None for all hosts.
        pipeline: the class names of its pipes, outermost first.
    """

    kind: Literal["http", "websocket"]
    methods: tuple[str, ...]
    path: str
    name: str
    hostname: str | None
    pipeline: tuple[str, ...]


class Registration:
    """A registered route, with the data needed to compose its flow.

    Arguments:
        route: the route.
        function: the handler.
        pipes: its own pipes and those of its groups.
        infos: its rows in the list of routes.
        page: the function whose results are rendered with a template; None if it has no template.
        calls: the functions that the clients of this route call; None if it is a plain one.
        arguments: the arguments that are read from a request; None if there are none.
        result: the annotation of a request handler's result; Any without one.
        receives, sends: the types of the messages of a websocket, for documents; None if it does not declare them.
        errors: the statuses of the errors of a request, with what they mean, for documents.
        is_hidden: whether documents leave the route out.

    Attributes:
        all_pipes: the whole pipeline with which the flow was last composed.
    """

    def __init__(
        self,
        route: HTTPRoute | WebsocketRoute,
        function: Handler,
        pipes: tuple[Pipe, ...],
        infos: list[RouteInfo],
        page: Handler | None = None,
        calls: Calls | None = None,
        arguments: RequestArguments | None = None,
        result: Any = Any,
        receives: Any = None,
        sends: Any = None,
        errors: Mapping[int, str] | None = None,
        is_hidden: bool = False,
    ) -> None:
        self.route = route
        self.function = function
        self.pipes = pipes
        self.infos = infos
        self.page = page
        self.calls = calls
        self.arguments = arguments
        self.result = result
        self.receives = receives
        self.sends = sends
        self.errors = errors or {}
        self.is_hidden = is_hidden
        self.all_pipes: tuple[Pipe, ...] = ()

    def compose(self, outer: tuple[Pipe, ...]) -> None:
        """Compose the flow again, inside the pipes of its modules."""
        pipes = self.all_pipes = outer + self.pipes
        compose = compose_request if isinstance(self.route, HTTPRoute) else compose_websocket
        as_json = any(isinstance(pipe, JSONService) for pipe in pipes)
        self.route.flow = compose(pipes, self.function if self.page is None or as_json else self.page)
        if isinstance(self.route, HTTPRoute):
            self.route.preflight = next((pipe.on_preflight for pipe in pipes if pipe.on_preflight is not None), None)
        names = tuple(type(pipe).__name__ for pipe in pipes)
        self.infos[:] = [info._replace(pipeline=names) for info in self.infos]


class AppModule:
    """A part of an application, created by `app.module(...)` or `module.module(...)`.

    Arguments:
        table: the application's routes.
        place: the place of the parent module, for `url`.
        parent: the parent module; None for the application itself.
        import_name: the name of the Python module in which it is created.
        name: the name of the module, without that of its parent.
        url_prefix: the prefix of its paths.
        hostname: the host of its routes.
    """

    def __init__(
        self,
        table: RouteTable,
        place: UrlScope,
        parent: AppModule | None,
        import_name: str,
        name: str,
        url_prefix: str | None = None,
        hostname: str | None = None,
    ) -> None:
        self.table = table
        self.import_name = import_name
        self.name: str = f"{parent.name}.{name}" if parent is not None and parent.name else name
        self.place = place.inside(self.name)
        self.url_prefix: str = _join(parent.url_prefix if parent is not None else "", url_prefix or "")
        self.hostname: str | None = hostname or (parent.hostname if parent is not None else None)
        self._parent = parent
        self._pipeline: tuple[Pipe, ...] = ()
        self._modules: list[AppModule] = []
        self._registrations: list[Registration] = []

    @property
    def pipeline(self) -> Sequence[Pipe]:
        """The pipes around every route of this module, outermost first, inside those of the parent module.

        Assigning a list composes again the routes that are already registered.
        """
        return self._pipeline

    @pipeline.setter
    def pipeline(self, pipes: Sequence[Pipe]) -> None:
        before = self._pipeline
        self._pipeline = _checked_pipes(pipes, f"the pipeline of {self.name or 'the application'}")
        try:
            self._compose()
        except ConfigurationError:
            self._pipeline = before
            # Some routes may already be composed with the new one.
            self._compose()
            raise

    def route(
        self,
        paths: str | Sequence[str] | None = None,
        name: str | None = None,
        pipeline: Sequence[Pipe] | None = None,
        schemes: str | Collection[str] | None = None,
        hostname: str | None = None,
        methods: str | Collection[str] | None = None,
        prefix: str | None = None,
        output: Output = "auto",
        template: str | None = None,
        errors: Mapping[int, str] | None = None,
        **settings: Unpack[RequestLimits],
    ) -> Callable[[Function], Function]:
        """Register a function for requests.

        Arguments:
            paths: a path pattern or several; the default is the function's name.
            name: the name for `url`; the default is the function's name.
            pipeline: pipes around this route, inside those of its modules.
            schemes: "http", "https" or both, which is the default.
            hostname: the host of the route; the default is every host.
            methods: HTTP methods; the default is get, post and head.
            prefix: a prefix of its paths, after the prefixes of its modules.
            output: the required type of the result: "auto", "bytes", "str" or "iter".
            template: the template that renders a returned dict; the default is the one with the function's name, if it
                exists.
            errors: the statuses with which it refuses, each with what it means, for the OpenAPI document.
            settings: limits of these requests, named as in `app.config.http`: max_body_size, max_body_fields,
                max_form_memory, body_timeout.

        Raises:
            ConfigurationError: at registration, for any invalid argument; the message says what is allowed.
        """
        _refuse_bare(paths, "route")
        # Imported here: an application with only websockets does without them, and without msgspec.
        from .dispatch.request_arguments import find_request_arguments
        from .dispatch.request_results import OUTPUTS, make_finish, result_annotation

        def register(function: Function) -> Function:
            label = f"route {getattr(function, '__qualname__', function)!r}"
            verbs = _names(methods, DEFAULT_METHODS, HTTP_METHODS, f"{label}: method", str.upper)
            if output not in OUTPUTS:
                raise ConfigurationError(f"{label}: output {output!r} is unknown; allowed are {', '.join(OUTPUTS)}")
            if problem := error_meanings(errors or {}, least=400, most=599):
                raise ConfigurationError(f"{label}: {problem}")
            full_name, patterns = self._place_of(function, paths, name, prefix)
            host = hostname or self.hostname
            wanted = _names(schemes, ("http", "https"), ("http", "https"), f"{label}: scheme", str.lower)
            pipes = _checked_pipes(pipeline or (), label) + collect_pipes(function)
            flow = compose_request(self._all_pipes() + pipes, function)
            is_open = may_change_arguments(self._all_pipes() + pipes)
            variables = {variable.name for pattern in patterns for variable in pattern.variables}
            variables.update(*(pipe.passes for pipe in self._all_pipes() + pipes))
            arguments = find_request_arguments(label, function, variables, verbs, has_other_sources=is_open)
            filled = () if arguments is None else arguments.names
            self._check_parameters(label, function, patterns, pipes, filled)
            # A template makes a page of the result, which the annotation does not describe.
            has_template = template is not None or self.table.templates.find(full_name) is not None
            result = Any if has_template else result_annotation(function, label)
            finish = make_finish(output, result, full_name, is_final=not is_open)
            handler = function if arguments is None else arguments.bind(function)
            page = fill_template(handler, self.table.templates, full_name, template)
            own = self.table.config.http.for_route({**settings}) if settings else None
            route = HTTPRoute(full_name, self.place, flow, finish, own)
            infos = []
            for index, pattern in enumerate(patterns):
                path_name = f"{full_name}.{index}" if index else full_name
                self.place.http.add(path_name, pattern, host)
                self.table.http.add(pattern, route, methods=verbs, schemes=wanted, hostname=host)
                infos.append(RouteInfo("http", verbs, pattern.source, path_name, host, ()))
            added = Registration(route, handler, pipes, infos, page, None, arguments, result, errors={**(errors or {})})
            self._add(added)
            return function

        return register

    def websocket(
        self,
        paths: str | Sequence[str] | None = None,
        name: str | None = None,
        pipeline: Sequence[Pipe] | None = None,
        schemes: str | Collection[str] | None = None,
        hostname: str | None = None,
        prefix: str | None = None,
        receives: Any = None,
        sends: Any = None,
        **settings: Unpack[WebsocketLimits],
    ) -> Callable[[Function], Function]:
        """Register an async function for websockets.

        Arguments:
            paths, name, pipeline, hostname, prefix: as for `route`.
            schemes: "ws", "wss" or both, which is the default.
            receives, sends: the type of the messages that clients send and that the handler sends, or a union of
                several, for the AsyncAPI document. `str` is any text, `bytes` any binary message, and other types are
                JSON. Messages are not checked against them: `receive_json(type)` does that.
            settings: limits and deadlines of these connections, named as in `app.config.websocket`.

        Raises:
            ConfigurationError: at registration, for any invalid argument; the message says what is allowed.
        """
        _refuse_bare(paths, "websocket")

        def register(function: Function) -> Function:
            label = f"websocket {getattr(function, '__qualname__', function)!r}"
            full_name, patterns = self._place_of(function, paths, name, prefix)
            host = hostname or self.hostname
            wanted = _names(schemes, ("ws", "wss"), ("ws", "wss"), f"{label}: scheme", str.lower)
            pipes = _checked_pipes(pipeline or (), label) + collect_pipes(function)
            flow = compose_websocket(self._all_pipes() + pipes, function)
            self._check_parameters(label, function, patterns, pipes)
            own: WebsocketSettings = self.table.config.websocket.replace({**settings})
            route = WebsocketRoute(full_name, self.place, flow, own)
            infos = []
            for index, pattern in enumerate(patterns):
                path_name = f"{full_name}.{index}" if index else full_name
                self.place.websocket.add(path_name, pattern, host)
                self.table.websockets.add(pattern, route, schemes=wanted, hostname=host)
                infos.append(RouteInfo("websocket", (), pattern.source, path_name, host, ()))
            self._add(Registration(route, function, pipes, infos, receives=receives, sends=sends))
            return function

        return register

    def calls(
        self,
        paths: str | Sequence[str],
        name: str = "calls",
        *,
        user: Callable[[], Any] | None = None,
        pipeline: Sequence[Pipe] | None = None,
        schemes: str | Collection[str] | None = None,
        hostname: str | None = None,
        prefix: str | None = None,
        **settings: Unpack[CallsLimits],
    ) -> Calls:
        """Create a websocket route whose clients call functions, in JSON-RPC 2.0.

        Arguments:
            paths: a path pattern or several.
            name: the name of the route for `url.ws`.
            user: returns the owner of the current connection, or None; for limits per user and `notify(user=...)`.
            pipeline, schemes, hostname, prefix: as for `websocket`; these pipes are around the connection.
            settings: limits, named as in `app.config.calls` and `app.config.websocket`.

        Raises:
            ConfigurationError: at registration, for any invalid argument; the message says what is allowed.
        """
        given: dict[str, Any] = {**settings}
        own = {key: given.pop(key) for key in CallsSettings.names() & given.keys()}
        from .calls.calls import Calls

        patterns = self._place_of(Calls.serve, paths, name, prefix)[1]
        calls = Calls(
            f"{self.name}.{name}" if self.name else name,
            path_variables=frozenset(variable.name for pattern in patterns for variable in pattern.variables),
            settings=self.table.config.calls.replace(own),
            user=user,
            wired=self.table.wired,
            is_developing=DEVELOP in os.environ,
        )
        self.websocket(paths, name, pipeline, schemes, hostname, prefix, **given)(calls.serve)
        self._registrations[-1].calls = calls
        return calls

    def module(
        self, import_name: str, name: str, url_prefix: str | None = None, hostname: str | None = None
    ) -> AppModule:
        """Create a module inside this one.

        Arguments:
            import_name: `__name__` of the Python module in which it is created.
            name: its name: routes are named `name.function`, inside another module `outer.name.function`.
            url_prefix: the prefix of its paths, after the prefixes of the parent modules.
            hostname: the host of its routes; the default is that of the parent module.

        Raises:
            ConfigurationError: the name is taken or is not an identifier.
        """
        if not name.isidentifier():
            raise ConfigurationError(f"module name {name!r}: expected an identifier, such as 'blog'")
        if any(module.name.rpartition(".")[2] == name for module in self._modules):
            raise ConfigurationError(f"module name {name!r} is taken in {self.name or 'the application'}")
        module = AppModule(self.table, self.place, self, import_name, name, url_prefix, hostname)
        self._modules.append(module)
        return module

    def registrations(self) -> list[Registration]:
        """Return the routes of this module and of those inside it."""
        found = list(self._registrations)
        for module in self._modules:
            found += module.registrations()
        return found

    def _place_of(
        self, function: Callable[..., Any], paths: str | Sequence[str] | None, name: str | None, prefix: str | None
    ) -> tuple[str, list[PathPattern]]:
        own = name or getattr(function, "__name__", None)
        if own is None:
            raise ConfigurationError(f"route for {function!r}: it has no name of its own, give one with name=")
        if "." in own:
            raise ConfigurationError(f"route name {own!r}: a dot separates module and route, leave it out here")
        if paths is None:
            given = [getattr(function, "__name__", own)]
        else:
            given = [paths] if isinstance(paths, str) else list(paths)
        if not given:
            raise ConfigurationError(f"route {own!r}: the list of paths is empty; leave it out to use the name as path")
        before = _join(self.url_prefix, prefix or "").rstrip("/")
        # The root of a prefix matches with and without a trailing slash.
        patterns = [
            PathPattern(f"{before}(/)?" if before and path == "/" else _join(before, path) or "/") for path in given
        ]
        return f"{self.name}.{own}" if self.name else own, patterns

    def _check_parameters(
        self,
        label: str,
        function: Handler,
        patterns: list[PathPattern],
        pipes: tuple[Pipe, ...],
        filled: Collection[str] | None = None,
    ) -> None:
        paths = [(pattern.source, [variable.name for variable in pattern.variables]) for pattern in patterns]
        check_parameters(label, function, paths, self._all_pipes() + pipes, filled)

    def _add(self, registration: Registration) -> None:
        registration.compose(self._all_pipes())
        self._registrations.append(registration)

    def _all_pipes(self) -> tuple[Pipe, ...]:
        above = self._parent._all_pipes() if self._parent is not None else ()
        return above + self._pipeline

    def _compose(self) -> None:
        for registration in self._registrations:
            registration.compose(self._all_pipes())
        for module in self._modules:
            module._compose()


def _refuse_bare(paths: object, decorator: str) -> None:
    if callable(paths):
        raise SyntaxError(f"the decorator needs its parentheses: write @app.{decorator}() above the function")


def _join(prefix: str, path: str) -> str:
    """Put a prefix before a path, with one slash between."""
    prefix = prefix.strip("/")
    path = path.lstrip("/")
    if not prefix:
        return "/" + path if path else ""
    # An optional group contains its own slash: "/posts" + "(/<int:id>)?".
    return f"/{prefix}" + (path if path.startswith("(/") else f"/{path}" if path else "")


def _names(
    given: str | Collection[str] | None,
    default: tuple[str, ...],
    allowed: tuple[str, ...],
    label: str,
    normalise: Callable[[str], str],
) -> tuple[str, ...]:
    if given is None:
        return default
    names = [given] if isinstance(given, str) else list(given)
    for name in names:
        if normalise(str(name)) not in allowed:
            raise ConfigurationError(f"{label} {name!r} is unknown; allowed are {', '.join(allowed)}")
    if not names:
        raise ConfigurationError(f"{label}: the list is empty; allowed are {', '.join(allowed)}")
    return tuple(dict.fromkeys(normalise(name) for name in names))


def _checked_pipes(pipes: Sequence[Pipe], label: str) -> tuple[Pipe, ...]:
    if isinstance(pipes, Pipe):
        raise ConfigurationError(f"{label}: pipeline is a single pipe; write pipeline=[{type(pipes).__name__}(…)]")
    return tuple(pipes)
