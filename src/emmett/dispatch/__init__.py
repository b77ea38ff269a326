"""From a matched route through its pipeline to an answer: an HTTP response, or the end of a websocket."""

from .application import ServedApplication
from .requests import run_request
from .routes import HTTPRoute, RouteTable, WebsocketRoute
from .serving import Carrier, serve_request
from .websockets import describe_refusal, find_websocket, run_websocket

__all__ = [
    "Carrier",
    "HTTPRoute",
    "RouteTable",
    "ServedApplication",
    "WebsocketRoute",
    "describe_refusal",
    "find_websocket",
    "run_request",
    "run_websocket",
    "serve_request",
]
