"""Messages of one kind: text, binary, and JSON decoded into a type."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import msgspec
import pydantic
import pytest

from emmett.errors import MessageError
from tests.websockets.memory_connection import MemoryConnection


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Move(msgspec.Struct):
    to: Point


class Other:
    """A type that JSON cannot be decoded into."""


async def test_messages_of_another_kind_are_an_error() -> None:
    connection = MemoryConnection(accepted=True)
    websocket = connection.websocket
    connection.arrive("text", b"binary", b"binary", "text")
    assert await websocket.receive_text() == "text"
    assert await websocket.receive_bytes() == b"binary"
    with pytest.raises(MessageError, match="expected a text message") as error:
        await websocket.receive_text()
    assert error.value.code == 1003
    with pytest.raises(MessageError, match="expected a binary message") as error:
        await websocket.receive_bytes()
    assert error.value.code == 1003


async def test_json_is_decoded_into_a_type() -> None:
    connection = MemoryConnection(accepted=True)
    websocket = connection.websocket
    connection.arrive('{"a": [1, null]}', b"[true]", '{"to": {"x": 3}}', '{"x": 1, "y": 2}', "5")
    assert await websocket.receive_json() == {"a": [1, None]}
    assert await websocket.receive_json() == [True]
    assert await websocket.receive_json(Move) == Move(Point(3))
    assert await websocket.receive_json(Point) == Point(1, 2)
    assert await websocket.receive_json(int | None) == 5
    await websocket.send_json({"a": [1, 2.5, None, "é"]})
    await websocket.send_json(Move(Point(3)))
    assert connection.events == [("send", '{"a":[1,2.5,null,"é"]}'), ("send", '{"to":{"x":3,"y":0}}')]


class Person(pydantic.BaseModel):
    name: str
    age: int = pydantic.Field(alias="years", ge=0)


async def test_json_is_decoded_into_pydantic_models() -> None:
    connection = MemoryConnection(accepted=True)
    websocket = connection.websocket
    connection.arrive('{"name": "ada", "years": 36}', '[{"name": "bob", "years": 1}]', '{"name": "eve", "years": -1}')
    ada = await websocket.receive_json(Person)
    assert ada == Person(name="ada", years=36)
    assert await websocket.receive_json(list[Person]) == [Person(name="bob", years=1)]
    with pytest.raises(MessageError) as error:
        await websocket.receive_json(Person)
    assert error.value.code == 1007
    assert error.value.reason.startswith("unexpected JSON: 1 validation error for Person years Input should be")
    await websocket.send_json([ada])
    assert connection.events == [("send", '[{"name":"ada","years":36}]')]


@pytest.mark.parametrize("kind", [Other, list[Other], dict[str, Other | None], Annotated[Other, []]])
async def test_an_unsupported_type_takes_no_message(kind: Any) -> None:
    connection = MemoryConnection(accepted=True)
    connection.arrive('{"a": 1}')
    with pytest.raises(TypeError, match="no JSON can be decoded into Other; use a Struct, a dataclass"):
        await connection.websocket.receive_json(kind)
    assert await connection.websocket.receive_json() == {"a": 1}


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("{", "expected a message in JSON"),
        ("", "expected a message in JSON"),
        (b"\xff", "expected a message in JSON"),
        ('{"to": {"x": "3"}}', "unexpected JSON: Expected `int`, got `str` - at `$.to.x`"),
        ("5", "unexpected JSON: Expected `object`, got `int`"),
    ],
)
async def test_json_of_another_type_is_an_error(message: str | bytes, reason: str) -> None:
    connection = MemoryConnection(accepted=True)
    connection.arrive(message, '{"to": {"x": 1}}')
    with pytest.raises(MessageError) as error:
        await connection.websocket.receive_json(Move)
    assert (error.value.code, error.value.reason) == (1007, reason)
    assert await connection.websocket.receive_json(Move) == Move(Point(1))


async def test_json_that_is_nested_too_deeply_is_an_error() -> None:
    connection = MemoryConnection(accepted=True)
    connection.arrive("[" * 100_000 + "]" * 100_000, "1")
    with pytest.raises(MessageError) as error:
        await connection.websocket.receive_json()
    assert (error.value.code, error.value.reason) == (1007, "JSON nested too deeply")
    assert await connection.websocket.receive_json() == 1


async def test_a_reason_is_cut_to_the_size_of_a_close_frame() -> None:
    connection = MemoryConnection(accepted=True)
    name = "ü" * 100
    connection.arrive(f'{{"{name}": "x"}}')
    with pytest.raises(MessageError) as error:
        await connection.websocket.receive_json(msgspec.defstruct("Long", [(name, int)]))
    assert error.value.reason.startswith("unexpected JSON: ")
    assert len(error.value.reason.encode()) in (122, 123)


async def test_values_that_json_cannot_express_are_refused() -> None:
    connection = MemoryConnection(accepted=True)
    with pytest.raises(TypeError):
        await connection.websocket.send_json({"socket": object()})
    assert connection.events == []
