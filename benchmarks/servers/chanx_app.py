"""chanx on Starlette: an action whose payload is checked, and whose answer is another message."""

from __future__ import annotations

from typing import Literal

from chanx.core.decorators import channel, ws_handler
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.messages.base import BaseMessage
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute

from benchmarks.servers.pydantic_orders import Order, Receipt, make_receipt


class OrderMessage(BaseMessage):
    action: Literal["order"] = "order"
    payload: Order


class ReceiptMessage(BaseMessage):
    action: Literal["receipt"] = "receipt"
    payload: Receipt


@channel(name="orders")
class Orders(AsyncJsonWebsocketConsumer):
    @ws_handler(output_type=ReceiptMessage)
    async def handle_order(self, message: OrderMessage) -> ReceiptMessage:
        return ReceiptMessage(payload=make_receipt(message.payload))


app = Starlette(routes=[WebSocketRoute("/calls", Orders.as_asgi())])
