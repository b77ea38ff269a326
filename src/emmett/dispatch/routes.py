"""Registered routes, and the table of all routes of an application."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ..config import Config, HTTPSettings, WebsocketSettings
from ..environment import DEVELOP
from ..http.request import Request
from ..http.response import Response
from ..logs import log_fields
from ..observers import Observers
from ..pipeline import Flow
from ..pipeline.hooks import run_hooks
from ..routing import Router
from ..templates import Templates
from ..urls import UrlScope
from ..websockets.hooks import Hook
from ..wire.origin import OriginPolicy
from .startup import VariableChange

if TYPE_CHECKING:
    from .request_results import Finish

Handler = Callable[..., Any]

logger = logging.getLogger("emmett.websocket")

# The maximum number of refused origins to log, since peers choose them.
MAX_REFUSED_ORIGINS = 1000
_refused_origins: set[tuple[str, str]] = set()


class HTTPRoute:
    """A request route.

    Attributes:
        name: the full name, `module.function`.
        place: its place in the application, for `url`.
        flow: its handler inside its pipeline.
        finish: checks and encodes the handler's result; None if it is rendered as it is.
        settings: the limits of its requests; None if they are those of the application.
        preflight: answers a CORS preflight for this route, given the methods of its path; None if no pipe does.
    """

    __slots__ = ("finish", "flow", "name", "place", "preflight", "settings")

    def __init__(
        self,
        name: str,
        place: UrlScope,
        flow: Flow,
        finish: Finish | None = None,
        settings: HTTPSettings | None = None,
    ) -> None:
        self.name = name
        self.place = place
        self.flow = flow
        self.finish = finish
        self.settings = settings
        self.preflight: Callable[[frozenset[str]], Response] | None = None


class WebsocketRoute:
    """A websocket route.

    Attributes:
        name: the full name, `module.function`.
        place: its place in the application, for `url`.
        flow: its handler inside its pipeline.
        settings: the limits and deadlines of its connections.
        is_developing: whether `emmett develop` runs the application.
    """

    __slots__ = ("_policy", "flow", "is_developing", "name", "place", "settings")

    def __init__(self, name: str, place: UrlScope, flow: Flow, settings: WebsocketSettings) -> None:
        self.name = name
        self.place = place
        self.flow = flow
        self.settings = settings
        # Asked here, since a look at the environment costs each connection as much as its route.
        self.is_developing = DEVELOP in os.environ
        self._policy: OriginPolicy | None = None

    def refuse_origin(self, origin: str | None, *, scheme: str, host: str) -> str | None:
        """Return why a page of an origin may not connect; None if it may.

        Refusals are logged, once for each origin and route.

        Arguments:
            origin: the value of Origin; `None` if the request has none.
            scheme: the scheme of the request, as the client sees it.
            host: the value of Host.
        """
        if origin is None:
            return None
        allowed = self.settings.origins
        patterns = (allowed,) if isinstance(allowed, str) else tuple(allowed)
        if self._policy is None or self._policy.allowed != patterns:
            self._policy = OriginPolicy(patterns, loopback=DEVELOP in os.environ)
        if self._policy.allows(origin, scheme=scheme, host=host):
            return None
        said = self._policy.explain(origin, scheme=scheme, host=host)
        if (self.name, origin) not in _refused_origins and len(_refused_origins) < MAX_REFUSED_ORIGINS:
            _refused_origins.add((self.name, origin))
            logger.warning(
                "%s: %s; the setting websocket.origins is %s",
                self.name,
                said,
                ", ".join(patterns),
                extra=log_fields(route=self.name),
            )
        return said

    @property
    def on_receive(self) -> Hook | None:
        """The hooks for received messages, combined into one; None if there are none."""
        return partial(run_hooks, self.flow.on_receive) if self.flow.on_receive else None

    @property
    def on_send(self) -> Hook | None:
        """The hooks for sent messages, combined into one; None if there are none."""
        return partial(run_hooks, self.flow.on_send) if self.flow.on_send else None


class RouteTable:
    """The routes, error pages and settings of an application.

    Arguments:
        config: the settings.
        place: the place of the application itself, for `url` when no route has matched.
        templates: the templates of the application.

    Attributes:
        http, websockets: the routes.
        error_pages: for each status, the function that makes its page.
        observers: are notified of its requests, websockets and channels.
        held_memory: returns the bytes that peers make this process hold; None unless the default server runs it.
        is_draining: whether the server stops.
        drain: makes the server stop as a signal would; None unless the default server runs it.
        on_request_end: called in the context of a request when its response is complete, before it is sent.
        startup_changes: the context variables that the last start-up functions have set.
        wired: objects attached to the application, such as its channels.
        explain_error: creates an HTML page from an error and the request; None, except in development.
    """

    __slots__ = (
        *("config", "drain", "error_pages", "explain_error", "held_memory", "http", "is_draining", "observers"),
        *("on_request_end", "place", "startup_changes", "templates", "websockets", "wired"),
    )

    def __init__(self, config: Config, place: UrlScope, templates: Templates) -> None:
        self.config = config
        self.place = place
        self.templates = templates
        self.http: Router[HTTPRoute] = Router()
        self.websockets: Router[WebsocketRoute] = Router()
        self.error_pages: dict[int, Handler] = {}
        self.observers = Observers()
        self.on_request_end: Callable[[Request], None] | None = None
        self.held_memory: Callable[[], int] | None = None
        self.is_draining = False
        self.drain: Callable[[], None] | None = None
        self.startup_changes: list[VariableChange] = []
        self.wired: list[Any] = []
        self.explain_error: Callable[[BaseException, str], str] | None = None
