"""`App`: the application, which only connects its parts."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextvars import copy_context
from datetime import timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, overload

from .asgi.interfaces import explain_other_interfaces
from .asgi.types import ASGIReceive, ASGIScope, ASGISend
from .command_names import BUILT_IN_COMMANDS
from .config import Config
from .ctx import request
from .dispatch.routes import HTTPRoute, RouteTable
from .dispatch.startup import find_changes
from .environment import DEVELOP
from .errors import ConfigurationError
from .http.abort import abort
from .http.render import encode_json
from .http.response import Response
from .logs import enable_loggers
from .module import AppModule, Function, RouteInfo
from .observers import Observers
from .pipeline import Pipe, compose_request
from .routing import PathPattern, UrlBuilder
from .templates import Templates
from .urls import UrlScope, add_application

if TYPE_CHECKING:
    from .http.static_files import StaticFiles
    from .inspector import Inspector
    from .schema import About, Description
    from .schema.docs_page import DocsPage
    from .tasks import BackgroundWork
    from .testing import AsyncTestClient, ClientOptions, TestClient


class App(AppModule):
    """An application: routes for requests and websockets, modules, a pipeline, settings, commands.

    It is also an ASGI 3 application: every ASGI server can run it, and other ASGI applications can mount it.

    Arguments:
        import_name: `__name__` of the Python module in which it is created; the folders `static` and `templates` are
            next to that module.

    Attributes:
        config: the settings.
        templates: the templates.
    """

    def __init__(self, import_name: str) -> None:
        self.config = Config()
        self.root_path = _folder_of(import_name)
        self.commands: dict[str, Callable[..., Any]] = {}
        self._startup: list[Callable[[], Any]] = []
        self._shutdown: list[Callable[[], Any]] = []
        self._plain: list[RouteInfo] = []
        place = UrlScope(UrlBuilder(("http", "https")), UrlBuilder(("ws", "wss")), self.config.http)
        self.templates = Templates(self.root_path / "templates", reload=lambda: DEVELOP in os.environ)
        super().__init__(RouteTable(self.config, place, self.templates), place, None, import_name, "")
        # The background work, once there is any.
        self._work: BackgroundWork | None = None
        add_application(self.place)
        self._add_static_files()

    @cached_property
    def about(self) -> About:
        """Its name, version and so on, for documents; see `schema`."""
        # Imported here: no server needs it before a document is requested.
        from .schema import About

        return About(title=self.import_name)

    @property
    def wired(self) -> list[Any]:
        """Objects attached to it besides routes and pipes, such as `Channels`, for commands and `app.calls(...)`."""
        return self.table.wired

    @property
    def observers(self) -> Observers:
        """The observers of requests, websockets and channels: `app.observers.add(observer)`, before it starts."""
        return self.table.observers

    @property
    def held_memory(self) -> int | None:
        """Bytes that peers make this process hold, of which `server.max_memory` is the bound.

        Received messages and parts of them, request bodies, what peers do not take, and what waits for it in channels.
        `None` while no server runs the application, and under another ASGI server than the default one.
        """
        return None if self.table.held_memory is None else self.table.held_memory()

    @property
    def is_draining(self) -> bool:
        """Whether the server stops, so that new clients should go elsewhere. Other ASGI servers do not report it."""
        return self.table.is_draining

    @property
    def routes(self) -> list[RouteInfo]:
        """All routes: first those that no pipe concerns, then by module in the order of registration."""
        return [*self._plain, *(info for registration in self.registrations() for info in registration.infos)]

    def schema(
        self,
        title: str | None = None,
        version: str = "0.1.0",
        description: str = "",
        *,
        servers: Sequence[str] = (),
        openapi: str | None = "/openapi.json",
        asyncapi: str | None = "/asyncapi.json",
        in_production: bool = False,
    ) -> None:
        """Serve the OpenAPI and the AsyncAPI document, and say what they contain besides the routes.

        The routes of the documents are inside the pipeline of the application. The documents are made at the first
        request for them. `emmett schema` writes them without a server.

        Arguments:
            title: the name of the application; the default is that of its Python module.
            version: the version of its interface.
            description: Markdown.
            servers: the URLs under which it is served, such as `https://example.com`.
            openapi, asyncapi: the paths of the documents; `None` to not serve one.
            in_production: whether they are served outside of `emmett develop`, too; otherwise they are 404 there.

        Raises:
            ConfigurationError: a server is not a URL, or a path is taken.
        """
        for url in servers:
            if not url.startswith(("http://", "https://", "ws://", "wss://")):
                raise ConfigurationError(f"schema(servers=[{url!r}]): expected a URL, such as 'https://example.com'")
        from .schema import About

        title = self.import_name if title is None else title
        self.about = About(title=title, version=version, description=description, servers=tuple(servers))
        for path, name, make in (
            (openapi, "openapi_document", self.openapi),
            (asyncapi, "asyncapi_document", self.asyncapi),
        ):
            if path is not None:
                self._add_document(path, name, make, in_production)

    def docs(self, path: str = "/docs", *, in_production: bool = False) -> None:
        """Serve a page that lists everything that can be called, with a console to call it.

        The route is inside the pipeline of the application. The page is made at the first request for it.

        Arguments:
            path: the path of the page, without variables.
            in_production: whether it is served outside of `emmett develop`, too; otherwise it is 404 there.

        Raises:
            ConfigurationError: the path is taken, or has variables.
        """
        if PathPattern(path).variables or not path.startswith("/"):
            raise ConfigurationError(f"docs({path!r}): expected a path without variables, such as '/docs'")

        @cache
        def render() -> DocsPage:
            from .schema.docs_page import render_docs_page

            return render_docs_page(self.describe(), path)

        def make() -> Response:
            fields = {"content-security-policy": render().policy}
            return Response(render().html, headers=fields, content_type="text/html; charset=utf-8")

        self._add_hidden(path, "docs_page", make, in_production)

    def inspector(
        self,
        path: str | None = "/inspector",
        *,
        requires: Callable[[], Any] | Pipe | None = None,
        payloads: bool = False,
    ) -> Inspector:
        """Serve a page that shows all nodes, connections and channels, closes connections and drains nodes.

        Without `requires`, the page is served by `emmett develop` only: elsewhere the application does not start. Its
        routes are inside the pipeline of the application. The nodes of a service reach each other through the broker
        of its first channels, and so do `emmett ps`, `emmett tail` and `emmett kick`.

        Arguments:
            path: the path of the page, without variables; None for no page, only the commands.
            requires: who may see it: a condition, plain or async, as for `requires`; or a pipe.
            payloads: whether it may show what messages contain.

        Returns:
            The inspector, to ask and act without the page.

        Raises:
            ConfigurationError: the path is taken or has variables, or there is an inspector already.
        """
        from .inspector import Inspector
        from .pipeline import requires as make_requires

        pipes = [] if requires is None else [requires if isinstance(requires, Pipe) else make_requires(requires)]
        inspector = Inspector(self, is_protected=bool(pipes) or path is None, payloads=payloads)
        if path is not None:
            self._add_inspector_pages(inspector, path, pipes)
        return inspector

    def describe(self) -> Description:
        """Return a description of everything that clients can use: routes, methods, events and their types."""
        from .schema import describe

        return describe(self.registrations(), self.about)

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI 3.1 document of the requests."""
        from .schema import openapi_document

        return openapi_document(self.describe())

    def asyncapi(self) -> dict[str, Any]:
        """Return the AsyncAPI 3 document of the websockets."""
        from .schema import asyncapi_document

        return asyncapi_document(self.describe())

    def on_error(self, status: int) -> Callable[[Function], Function]:
        """Register a function that renders the page for an HTTP status.

        Arguments:
            status: 400 to 599. The function takes no arguments and returns anything that a request handler may return.

        Raises:
            ConfigurationError: the status is not an error status, or already has a page.
        """
        if callable(status):
            raise SyntaxError("the decorator needs a status: write @app.on_error(404) above the function")
        if status not in range(400, 600):
            raise ConfigurationError(f"on_error({status!r}): expected the status of an error, 400 to 599")

        def register(function: Function) -> Function:
            if status in self.table.error_pages:
                raise ConfigurationError(f"on_error({status}): this status already has a page")
            self.table.error_pages[status] = function
            return function

        return register

    def on_startup(self, function: Function) -> Function:
        """Register a function, plain or async, to run before the first request, in the order of registration."""
        self._startup.append(function)
        return function

    def on_shutdown(self, function: Function) -> Function:
        """Register a function, plain or async, to run after the last request, in reverse order of registration."""
        self._shutdown.append(function)
        return function

    def task(
        self, *, every: float | timedelta, once: bool = False, name: str | None = None
    ) -> Callable[[Function], Function]:
        """Register a function, plain or async, to run periodically while the application runs.

        The first run is right after the start. An exception is logged, and the next run takes place.

        Arguments:
            every: seconds, or a timedelta, from the start of a run to that of the next.
            once: whether it runs on one worker of all nodes, which needs channels with a broker. If that worker dies,
                another one has the next run. A run that lasts longer than `every` is then cancelled.
            name: the name, by which workers agree; that of the function by default.

        Raises:
            ConfigurationError: `every` is not above 0, or the name is taken.
        """

        def register(function: Function) -> Function:
            self._make_work().add_periodic(function, every, once, name)
            return function

        return register

    @overload
    def background(self, function: Function, /) -> Function: ...

    @overload
    def background(
        self, function: None = None, /, *, once: bool = False, name: str | None = None
    ) -> Callable[[Function], Function]: ...

    def background(
        self, function: Function | None = None, /, *, once: bool = False, name: str | None = None
    ) -> Function | Callable[[Function], Function]:
        """Register an async function to run in the background for as long as the application: `@app.background`.

        If it fails, the exception is logged, and it starts again after a pause that doubles up to a minute. It is
        cancelled when the application stops, before the functions of `on_shutdown`.

        Arguments:
            function: the function; None, with the other arguments, returns a decorator.
            once: run it on one worker of all nodes, which agree through the broker of the channels. When that worker
                stops, another one starts it at once; when it dies, within seconds.
            name: the name for the log, and for other workers; that of the function by default.

        Raises:
            ConfigurationError: it is not an async function, or the name is taken.
        """

        def register(function: Function) -> Function:
            self._make_work().add_lasting(function, once, name)
            return function

        return register if function is None else register(function)

    def _make_work(self) -> BackgroundWork:
        # Imported here: most applications have none.
        from .tasks import BackgroundWork

        if self._work is None:
            self._work = BackgroundWork(self.wired)
        return self._work

    async def startup(self) -> None:
        """Run the start-up functions; servers and the test client call this.

        Context variables that they set are set in every handler.
        """
        before = copy_context()
        # A logging configuration, here or at import of the application, must not silence the framework's tracebacks.
        enable_loggers()
        try:
            for function in self._startup:
                await _run(function)
            if self._work is not None:
                self._work.start()
        finally:
            enable_loggers()
        self.table.startup_changes = find_changes(before, copy_context())

    async def shutdown(self) -> None:
        """Run all shutdown functions, even if one fails. The first error is raised afterwards."""
        errors: list[Exception] = []
        if self._work is not None:
            await self._work.stop(self.config.server.cancel_timeout)
        for function in reversed(self._shutdown):
            try:
                await _run(function)
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def test_client(self, **options: Unpack[ClientOptions]) -> TestClient:
        """Return a client for plain tests: `with app.test_client() as client: client.get("/")`.

        It runs start-up and shutdown, and the server's own protocol code, in memory: no socket is opened.

        Arguments:
            options: see `emmett.testing.TestClient`.
        """
        from .testing import TestClient

        return TestClient(self, **options)

    def test_client_async(self, **options: Unpack[ClientOptions]) -> AsyncTestClient:
        """Return a client for tests that run in their own loop: `async with app.test_client_async() as client`.

        Arguments:
            options: see `emmett.testing.AsyncTestClient`.
        """
        from .testing import AsyncTestClient

        return AsyncTestClient(self, **options)

    def command(self, name: str) -> Callable[[Function], Function]:
        """Add a command to the command line: `emmett name`.

        Arguments:
            name: the name to type. The function is plain or async, or a click command; its docstring is the help.

        Raises:
            ConfigurationError: the name is taken.
        """
        if callable(name):
            raise SyntaxError("the decorator needs a name: write @app.command('name') above the function")
        if name in BUILT_IN_COMMANDS or name in self.commands:
            raise ConfigurationError(f"command {name!r}: the name is taken, choose another one")

        def register(function: Function) -> Function:
            self.commands[name] = function
            return function

        return register

    @explain_other_interfaces
    async def __call__(self, scope: ASGIScope, receive: ASGIReceive, send: ASGISend) -> None:
        """Serve one ASGI 3 connection: HTTP, websocket or lifespan."""
        from .asgi.application import serve_asgi

        await serve_asgi(self.table, self.startup, self.shutdown, scope, receive, send)

    def __repr__(self) -> str:
        return f"<App {self.import_name!r}: {len(self.routes)} routes>"

    def _add_document(self, path: str, name: str, make: Callable[[], dict[str, Any]], in_production: bool) -> None:
        @cache
        def encode() -> bytes:
            return encode_json(make())

        self._add_hidden(path, name, lambda: Response(encode(), content_type="application/json"), in_production)

    def _add_hidden(self, path: str, name: str, make: Callable[[], Response], in_production: bool) -> None:
        """Add a route that documents leave out."""

        async def answer() -> Response:
            if not in_production and DEVELOP not in os.environ:
                abort(404)
            return make()

        self.route(path, name, methods="get")(answer)
        self._registrations[-1].is_hidden = True

    def _add_inspector_pages(self, inspector: Inspector, path: str, pipes: Sequence[Pipe]) -> None:
        from .inspector.inspector import LIVE_ROUTE
        from .inspector.web import MAX_QUESTION, InspectorPages

        if PathPattern(path).variables or not path.startswith("/") or path.endswith("/"):
            raise ConfigurationError(f"inspector({path!r}): expected a path without variables, such as '/inspector'")
        pages = InspectorPages(inspector, lambda: self.about.title, lambda: registration.all_pipes)
        self.route(path, "emmett_inspector", pipes, methods="get")(pages.page)
        registration = self._registrations[-1]
        self.route(f"{path}/ask", "emmett_inspector_ask", pipes, methods="post", max_body_size=MAX_QUESTION)(pages.ask)
        # Other sites may not connect to this, even if they may connect to the application.
        self.websocket(f"{path}/live", LIVE_ROUTE, pipes, origins="same-origin")(pages.live)
        for each in self._registrations[-3:]:
            each.is_hidden = True

    def _add_static_files(self) -> None:
        folder = self.root_path / "static"

        @cache
        def files() -> StaticFiles:
            # Imported at the first request, or now if the folder is there: many applications have no static files.
            from .http.static_files import StaticFiles

            return StaticFiles(folder)

        if folder.is_dir():
            files()

        async def static(filename: str) -> Response:
            http = self.config.http
            return await files().respond(request, filename, max_age=http.static_max_age, version=http.static_version)

        self.add_plain_route("/static/<any:filename>", "static", static)

    def add_plain_route(self, path: str, name: str, function: Callable[..., Any]) -> RouteInfo:
        """Register a function for GET and HEAD requests that no pipe of the application concerns.

        A pipe that requires a login must not withhold the style sheet from the login page, or metrics from Prometheus.

        Arguments:
            path: the path pattern.
            name: the name for `url`.
            function: the handler.
        """
        pattern = PathPattern(path)
        methods = ("GET", "HEAD")
        route = HTTPRoute(name, self.place, compose_request((), function))
        self.place.http.add(name, pattern)
        self.table.http.add(pattern, route, methods=methods, schemes=("http", "https"))
        info = RouteInfo("http", methods, pattern.source, name, None, ())
        self._plain.append(info)
        return info


async def _run(function: Callable[[], Any]) -> None:
    result: Any | Awaitable[Any] = function()
    if inspect.isawaitable(result):
        await result


def _folder_of(import_name: str) -> Path:
    module = sys.modules.get(import_name)
    file = getattr(module, "__file__", None)
    return Path(file).resolve().parent if file else Path.cwd()
