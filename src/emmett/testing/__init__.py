"""Means for tests: clients that run an application in memory, and connections with faults."""

from .client import AsyncTestClient
from .faults import Faults
from .handshake import RefusedHandshake
from .response import TestResponse
from .server import MemoryServer
from .sync import TestClient
from .transport import MemoryConnection, MemoryTransport
from .websocket import TestWebsocket

__all__ = [
    "AsyncTestClient",
    "Faults",
    "MemoryConnection",
    "MemoryServer",
    "MemoryTransport",
    "RefusedHandshake",
    "TestClient",
    "TestResponse",
    "TestWebsocket",
]
