"""python-socketio: an event with an acknowledgement. It validates nothing by itself: msgspec does."""
# mypy: disable-error-code="import-not-found, import-untyped, untyped-decorator, misc, no-any-return, attr-defined"

from __future__ import annotations

from typing import Any

import msgspec
import socketio

from benchmarks.servers.orders import Order, Receipt

server = socketio.AsyncServer(async_mode="asgi", transports=["websocket"])


@server.event
async def order(sid: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return the receipt, which is the acknowledgement."""
    order = msgspec.convert(data, Order)
    return msgspec.to_builtins(Receipt(order.id, order.name, order.price * order.quantity))


app = socketio.ASGIApp(server)
