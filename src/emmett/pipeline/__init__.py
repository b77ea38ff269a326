"""Pipes around handlers, whose hooks are composed once when a route is registered."""

from ..websockets.hooks import DROP
from .compose import compose_call, compose_request, compose_websocket
from .decorator import DecoratorPipe, collect_pipes
from .flow import Flow
from .hooks import Hook, invoke, run_hooks
from .pipe import NextPipe, Pipe
from .requires import Requires, requires
from .service import service

__all__ = [
    "DROP",
    "DecoratorPipe",
    "Flow",
    "Hook",
    "NextPipe",
    "Pipe",
    "Requires",
    "collect_pipes",
    "compose_call",
    "compose_request",
    "compose_websocket",
    "invoke",
    "requires",
    "run_hooks",
    "service",
]
