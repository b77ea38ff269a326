"""Emmett: a Python web framework whose first-class citizen is the websocket."""

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
