"""Emmett: a Python web framework whose first-class citizen is the websocket."""

from typing import TYPE_CHECKING

from .app import App
from .ctx import request, response, session, websocket
from .datastructures import sdict
from .errors import HTTPException, WebsocketClosed
from .http.abort import abort, redirect
from .http.response import Response
from .lazy import import_later
from .module import AppModule
from .pipeline import Pipe, requires, service
from .urls import url
from .websockets import Websocket

if TYPE_CHECKING:
    from .channels import Channels
    from .http.sse import Event
    from .streams import stream

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

# What many applications do without.
__getattr__, __dir__ = import_later(__name__, __all__, Channels=".channels", Event=".http.sse", stream=".streams")
