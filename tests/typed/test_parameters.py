from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any, TypedDict

import msgspec
import pytest
from msgspec import UNSET

from emmett.errors import ConfigurationError
from emmett.typed.parameters import Parameter, is_object_type, make_struct, object_parameter, read_signature

if TYPE_CHECKING:
    from decimal import Decimal


class Point(msgspec.Struct):
    x: int


class Row(msgspec.Struct, array_like=True):
    x: int


@dataclasses.dataclass
class Data:
    x: int


class Typed(TypedDict):
    x: int


class Node(msgspec.Struct):
    children: list[Node] = []
    strange: int = 0


class Connection: ...


async def function(
    a: int,
    room: str,
    connection: Connection,
    b: list[str] = [],  # noqa: B006
    *,
    c: int | None = None,
) -> str:
    return room


def test_a_signature_is_read() -> None:
    signature = read_signature(function, "it", injectable=(Connection,), path_variables={"room", "other"})
    assert signature.parameters == (
        Parameter("a", int, UNSET, True),
        Parameter("b", list[str], UNSET, False),
        Parameter("c", int | None, None, False),
    )
    assert signature.injected == {"connection": Connection}
    assert signature.path_variables == {"room"}
    assert signature.result is str
    assert signature.is_injected
    assert not read_signature(test_a_signature_is_read, "it").is_injected


def unknown(a: Decimal) -> None: ...


def lock(a: list[dict[str, asyncio.Lock]]) -> None: ...


def missing(a) -> None: ...  # type: ignore[no-untyped-def]


def positional(a: int, /) -> None: ...


def starred(**a: int) -> None: ...


def keys(a: dict[Point, int] | int) -> None: ...


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (unknown, "'Decimal'.*TYPE_CHECKING"),
        (lock, "Lock.*pydantic"),
        (missing, "no annotation; write its type, as in a: str"),
        (positional, "positional-only"),
        (starred, "variadic keyword"),
    ],
)
def test_unsuitable_functions_are_refused(function: Any, hint: str) -> None:
    with pytest.raises(ConfigurationError, match=f"it: .*{hint}"):
        read_signature(function, "it")


def test_types_may_refer_to_themselves() -> None:
    def grow(node: Node, other: int) -> None: ...

    assert len(read_signature(grow, "it").parameters) == 2


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        (Point, True),
        (Data, True),
        (Typed, True),
        (Row, False),
        (int, False),
        (dict[str, int], False),
        (Point | None, False),
    ],
)
def test_object_types_are_recognised(type_: Any, expected: bool) -> None:
    assert is_object_type(type_) is expected
    parameter = Parameter("it", type_, UNSET, True)
    assert object_parameter((parameter,)) == (parameter if expected else None)
    assert object_parameter((parameter, parameter)) is None


def test_structs_are_read_by_name_and_by_position() -> None:
    parameters = read_signature(function, "it", injectable=(Connection,), path_variables={"room"}).parameters
    by_name = msgspec.json.decode(b'{"a": 1}', type=make_struct("it", parameters))
    assert msgspec.structs.asdict(by_name) == {"a": 1, "b": UNSET, "c": None}
    by_position = msgspec.json.decode(b'[1, ["x"]]', type=make_struct("it", parameters, array_like=True))
    assert msgspec.structs.asdict(by_position) == {"a": 1, "b": ["x"], "c": None}
    for data in (b'{"a": 1, "d": 1}', b"{}"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(data, type=make_struct("it", parameters))


def test_a_required_parameter_may_follow_an_optional_one() -> None:
    def function(a: int, b: int = 0, *, c: int) -> None: ...

    parameters = read_signature(function, "f").parameters
    by_name, by_position = make_struct("f", parameters), make_struct("f", parameters, array_like=True)
    assert msgspec.structs.asdict(msgspec.convert({"a": 1, "c": 3}, by_name)) == {"a": 1, "b": 0, "c": 3}
    assert msgspec.structs.asdict(msgspec.convert([1, 2, 3], by_position)) == {"a": 1, "b": 2, "c": 3}
    with pytest.raises(msgspec.ValidationError, match="length 3"):
        msgspec.convert([1, 2], by_position)
