"""An order and its receipt, for ours and for servers that bring no validation of their own: msgspec validates."""

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


def make_receipt(order: Order) -> Receipt:
    return Receipt(order.id, order.name, order.price * order.quantity)


def receipt(message: str | bytes) -> str:
    """Validate an order, and return its receipt."""
    order = msgspec.json.decode(message, type=Order)
    return msgspec.json.encode(make_receipt(order)).decode()
