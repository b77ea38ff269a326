"""An order and its receipt, for frameworks that validate with Pydantic."""

from __future__ import annotations

from pydantic import BaseModel


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


def make_receipt(order: Order) -> Receipt:
    return Receipt(id=order.id, name=order.name, total=order.price * order.quantity)
