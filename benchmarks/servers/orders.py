"""An order and its receipt, for servers that bring no validation of their own: msgspec validates."""

from __future__ import annotations

import msgspec


class Order(msgspec.Struct):
    id: int
    name: str
    price: float
    quantity: int
    tags: list[str]


class Receipt(msgspec.Struct):
    id: int
    name: str
    total: float


def receipt(message: str | bytes) -> str:
    """Validate an order, and return its receipt."""
    order = msgspec.json.decode(message, type=Order)
    return msgspec.json.encode(Receipt(order.id, order.name, order.price * order.quantity)).decode()
