"""chanx on Starlette: an action whose payload is checked, and whose answer is another message."""
# mypy: disable-error-code="import-not-found, import-untyped, untyped-decorator, misc, no-any-return, attr-defined"

from __future__ import annotations

from typing import Literal

from chanx.core.decorators import channel, ws_handler
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.messages.base import BaseMessage
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute


class Order(BaseModel):
    id: int
    name: str
    price: float
    quantity: int
    tags: list[str]


class Receipt(BaseModel):
    id: int
    name: str
    total: float


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
        order = message.payload
        return ReceiptMessage(payload=Receipt(id=order.id, name=order.name, total=order.price * order.quantity))


app = Starlette(routes=[WebSocketRoute("/calls", Orders.as_asgi())])
