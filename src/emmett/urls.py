"""`url`: builds the URLs of the current application's routes."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar

from .config import HTTPSettings
from .ctx import current_request, current_websocket
from .errors import ConfigurationError, UsageError
from .routing import UrlBuilder


class UrlScope:
    """The place of a route: its application's URLs and settings, and its module's name, "" for the application."""

    __slots__ = ("http", "module", "settings", "websocket")

    def __init__(self, http: UrlBuilder, websocket: UrlBuilder, settings: HTTPSettings, module: str = "") -> None:
        self.http = http
        self.websocket = websocket
        self.settings = settings
        self.module = module

    def inside(self, module: str) -> UrlScope:
        """Return the place of a module of the same application."""
        return UrlScope(self.http, self.websocket, self.settings, module)


current_place: ContextVar[UrlScope] = ContextVar("emmett.place")

# The path below which an ASGI server or another ASGI application has mounted this application; "" if none.
current_root_path: ContextVar[str] = ContextVar("emmett.root_path", default="")

# The applications of this process. Outside of a handler, `url` works if there is exactly one.
_places: list[UrlScope] = []


def add_application(place: UrlScope) -> None:
    """Make the URLs of an application available to `url` outside of its handlers."""
    _places.append(place)


def _place() -> UrlScope:
    place = current_place.get(None)
    if place is not None:
        return place
    if len(_places) == 1:
        return _places[0]
    many = "several applications, and none is running here" if _places else "no application"
    raise UsageError(f"`url` cannot tell whose routes are meant: this process has {many}")


class Url:
    """Builds URLs by the names of routes: `url("blog.post", 5)`, and for websockets `url.ws("room", "lobby")`."""

    __slots__ = ()

    def __call__(
        self,
        target: str,
        args: object = None,
        params: Mapping[str, object] | None = None,
        anchor: str | None = None,
        scheme: str | None = None,
        host: str | None = None,
    ) -> str:
        """Return the URL of a request route. In an application that is mounted below a path, or served with a
        `root_path`, it begins with that path.

        Arguments:
            target: the name of a route; with a leading dot, one of the current module; or a path, starting with `/`.
                "static" is the route of the static files: their URLs contain the setting `http.static_version`.
            args: the value of the path's variable, or a list of them.
            params: the query parameters; a list repeats its name, `None` leaves it out.
            anchor: the fragment after the `#`.
            scheme: `http` or `https`; makes the URL absolute.
            host: makes the URL absolute; the default is the host of the current request, if one is needed.

        Raises:
            ConfigurationError: no route has that name, or the arguments do not match its path.
        """
        place = _place()
        current_scheme, current_host = _running_origin()
        if target == "static" and place.settings.static_version is not None:
            args = f"_{place.settings.static_version}/{_filename(args)}"
        return place.http.build(
            target,
            args,
            params,
            anchor,
            scheme,
            host,
            module=place.module,
            current_host=current_host,
            current_scheme=current_scheme,
            root_path=current_root_path.get(),
        )

    def ws(
        self,
        target: str,
        args: object = None,
        params: Mapping[str, object] | None = None,
        scheme: str | None = None,
        host: str | None = None,
    ) -> str:
        """Return the URL of a websocket route; see `url(...)`. The scheme is `ws` or `wss`."""
        place = _place()
        current_scheme, current_host = _running_origin()
        return place.websocket.build(
            target,
            args,
            params,
            None,
            scheme,
            host,
            module=place.module,
            current_host=current_host,
            current_scheme=current_scheme,
            root_path=current_root_path.get(),
        )


def _filename(args: object) -> str:
    if isinstance(args, (list, tuple)) and len(args) == 1:
        args = args[0]
    if not isinstance(args, str):
        raise ConfigurationError(f'url("static", {args!r}): expected the name of a file, such as "js/app.js"')
    return args


def _running_origin() -> tuple[str | None, str | None]:
    """Return the scheme and host of the current request or websocket; None outside of a handler."""
    running = current_request.get() or current_websocket.get(None)
    return (None, None) if running is None else (running.scheme, running.host)


url = Url()
