"""Emmett: a Python web framework whose first-class citizen is the websocket."""

from typing import TYPE_CHECKING

from .lazy import import_later

if TYPE_CHECKING:
    from .app import App
    from .channels import Channels
    from .ctx import request, response, session, websocket
    from .datastructures import sdict
    from .errors import HTTPException, WebsocketClosed
    from .http.abort import abort, redirect
    from .http.response import Response
    from .http.sse import Event
    from .module import AppModule
    from .pipeline import Pipe, requires, service
    from .streams import stream
    from .urls import url
    from .websockets import Websocket

__all__ = [
    "App",
    "AppModule",
    "Channels",
    "Event",
    "HTTPException",
    "Pipe",
    "Response",
    "Websocket",
    "WebsocketClosed",
    "abort",
    "redirect",
    "request",
    "requires",
    "response",
    "sdict",
    "service",
    "session",
    "stream",
    "url",
    "websocket",
]

# Imported on first use, so that a command or a module of the package loads only what it needs itself.
__getattr__, __dir__ = import_later(
    __name__,
    __all__,
    App=".app",
    AppModule=".module",
    Channels=".channels",
    Event=".http.sse",
    HTTPException=".errors",
    Pipe=".pipeline",
    Response=".http.response",
    Websocket=".websockets",
    WebsocketClosed=".errors",
    abort=".http.abort",
    redirect=".http.abort",
    request=".ctx",
    requires=".pipeline",
    response=".ctx",
    sdict=".datastructures",
    service=".pipeline",
    session=".ctx",
    stream=".streams",
    url=".urls",
    websocket=".ctx",
)
