"""Tools for tests: clients that run an application in memory, and connections with faults."""

from .client import AsyncTestClient, ClientOptions
from .context import RequestContext
from .faults import Faults
from .handshake import RefusedHandshake
from .redirects import RedirectError
from .response import TestResponse
from .server import MemoryServer
from .streamed_response import StreamedResponse
from .sync import TestClient
from .transport import MemoryConnection, MemoryTransport
from .websocket import TestWebsocket

__all__ = [
    "AsyncTestClient",
    "ClientOptions",
    "Faults",
    "MemoryConnection",
    "MemoryServer",
    "MemoryTransport",
    "RedirectError",
    "RefusedHandshake",
    "RequestContext",
    "StreamedResponse",
    "TestClient",
    "TestResponse",
    "TestWebsocket",
]
