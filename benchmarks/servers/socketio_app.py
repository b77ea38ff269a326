"""python-socketio: an event with an acknowledgement. It validates nothing by itself: msgspec does."""

from __future__ import annotations

from typing import Any

import msgspec
import socketio

from benchmarks.servers.orders import Order, make_receipt

server = socketio.AsyncServer(async_mode="asgi", transports=["websocket"])


@server.event
async def order(sid: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return the receipt, which is the acknowledgement."""
    return msgspec.to_builtins(make_receipt(msgspec.convert(data, Order)))


app = socketio.ASGIApp(server)
