from typing import Any

import msgspec
import pytest
from msgspec import UNSET, Raw

from emmett.calls.codecs import JSON
from emmett.calls.method import InvalidParams, Method, MethodKind, MethodOptions
from emmett.typed.parameters import read_signature

OPTIONS = MethodOptions(None, "connection", None, False, None)


class Point(msgspec.Struct):
    x: int
    y: int = 0


def make(function: Any, kind: MethodKind = MethodKind.CALL) -> Method:
    method = Method(function.__name__, function, kind, read_signature(function, "it"), OPTIONS, ())
    method.compose(())
    return method


def bind(method: Method, params: str) -> dict[str, Any]:
    return method.bind(Raw(params.encode()), JSON)


def paths(method: Method, params: str) -> list[tuple[str | int, ...]]:
    with pytest.raises(InvalidParams) as error:
        bind(method, params)
    return [fault.path for fault in error.value.faults]


async def add(a: int, b: int = 2, *, tags: list[str] = []) -> None: ...  # noqa: B006 - mutable defaults that are not shared


async def draw(point: Point) -> None: ...


async def stream(prompt: str = "") -> None: ...


def test_arguments_by_name_and_by_position() -> None:
    method = make(add)
    assert bind(method, '{"a": 1}') == {"a": 1, "b": 2}
    assert bind(method, '{"a": 1, "tags": ["x"]}') == {"a": 1, "b": 2, "tags": ["x"]}
    assert bind(method, '[1, 5, ["x"]]') == {"a": 1, "b": 5, "tags": ["x"]}
    assert bind(method, "[1]") == {"a": 1, "b": 2}


def test_missing_parameters_are_an_empty_object() -> None:
    assert make(stream).bind(UNSET, JSON) == {"prompt": ""}
    assert bind(make(stream), "null") == {"prompt": ""}
    with pytest.raises(InvalidParams):
        make(add).bind(UNSET, JSON)


def test_a_single_struct_takes_its_members_as_parameters() -> None:
    method = make(draw)
    assert bind(method, '{"x": 1}') == {"point": Point(1)}
    assert bind(method, '[{"x": 1, "y": 3}]') == {"point": Point(1, 3)}
    # Its members may be given by position, too.
    assert bind(method, "[1]") == {"point": Point(1)}
    assert bind(method, "[1, 3]") == {"point": Point(1, 3)}


def test_faults_are_named_with_their_paths() -> None:
    assert paths(make(add), '{"a": "1", "b": null, "c": 1}') == [("a",), ("b",), ("c",)]
    assert paths(make(add), '["1"]') == [("a",)]
    assert paths(make(add), "[1, 2, [], 4]") == [(3,)]
    assert paths(make(add), "5") == [()]
    assert paths(make(draw), "{}") == [("x",)]
    assert paths(make(draw), '["5"]') == [("x",)]
    assert paths(make(draw), "[]") == [("x",)]
    assert paths(make(draw), "[1, 2, 3]") == [(2,)]
    assert paths(make(draw), "[" * 2000) == [()]


def test_at_most_fifty_faults() -> None:
    async def many(values: list[int]) -> None: ...

    assert len(paths(make(many), f'{{"values": [{",".join(["null"] * 1000)}]}}')) == 50


@pytest.mark.parametrize("name", ["progressToken", "partialResultToken"])
@pytest.mark.parametrize("token", ["t", 5, 0])
def test_the_token_of_a_stream_is_no_argument(name: str, token: str | int) -> None:
    params = Raw(msgspec.json.encode({"prompt": "a", name: token}))
    assert make(stream, MethodKind.STREAM).bind_stream(params, JSON) == ({"prompt": "a"}, token)


def test_a_stream_may_have_no_token() -> None:
    method = make(stream, MethodKind.STREAM)
    assert method.bind_stream(UNSET, JSON) == ({"prompt": ""}, UNSET)
    assert method.bind_stream(Raw(b'["a"]'), JSON) == ({"prompt": "a"}, UNSET)
    # An invalid token is ignored.
    assert method.bind_stream(Raw(b'{"progressToken": true}'), JSON) == ({"prompt": ""}, UNSET)


def test_events_share_a_lane_and_each_ordered_method_has_its_own() -> None:
    assert make(add, MethodKind.EVENT).lane is None
    method = make(add)
    assert method.lane is method
