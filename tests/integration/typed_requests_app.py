"""Requests with types of all kinds. Served as a program, it has its OpenAPI document at /openapi.json."""

from __future__ import annotations

import dataclasses
import enum
from typing import Annotated, TypedDict

import msgspec
import pydantic

from emmett import App


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Cat(msgspec.Struct, tag=True):
    lives: int


class Dog(msgspec.Struct, tag=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=5)]
    friends: list[Cat | Dog] = []


@dataclasses.dataclass
class Point:
    x: float
    y: Annotated[int, msgspec.Meta(ge=-5, lt=5)] = 0


class Options(TypedDict, total=False):
    colour: Colour
    loud: bool


class Person(pydantic.BaseModel):
    name: str
    parent: Person | None = None


class Order(msgspec.Struct):
    pet: Cat | Dog
    place: Point | None
    options: Options
    people: dict[str, Person]


def make_app() -> App:
    app = App(__name__)

    @app.route("/orders/<int:number>", methods="post")
    async def order(number: int, order: Order, colour: Colour = Colour.RED, sizes: list[int] = []) -> Order:  # noqa: B006
        return order

    @app.route("/people/<str:name>", methods="put")
    async def person(name: str, person: Person, loud: bool = False) -> Person:
        return person

    @app.route("/points", methods="get")
    async def point(point: Point, name: str | None = None) -> Point:
        return point

    app.schema("Orders", in_production=True)
    return app


app = make_app()
