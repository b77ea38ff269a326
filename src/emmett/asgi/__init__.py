"""The ASGI 3 interface of an application: HTTP, websocket and lifespan.

It is below `app`, since every `App` is an ASGI application, and separate from `server`, whose default websocket path
does not use it.
"""

from .application import serve_asgi
from .interfaces import explain_other_interfaces
from .types import ASGIReceive, ASGIScope, ASGISend

__all__ = ["ASGIReceive", "ASGIScope", "ASGISend", "explain_other_interfaces", "serve_asgi"]
