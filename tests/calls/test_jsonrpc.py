import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from emmett.calls.codecs import JSON, MESSAGE_PACK, Codec
from emmett.calls.jsonrpc import (
    Error,
    ErrorCode,
    ErrorReply,
    Message,
    Notification,
    Progress,
    Refusal,
    ResultReply,
    ServerRequest,
    is_call,
    message_decoder,
    read_frame,
)

CODECS = [pytest.param(JSON, id="json"), pytest.param(MESSAGE_PACK, id="msgpack")]


def only(data: str | bytes, codec: Codec = JSON) -> Message | Refusal:
    frame = read_frame(data, codec)
    assert not frame.is_batch
    (message,) = frame.messages
    return message


def refusal(data: str | bytes) -> tuple[Any, int]:
    found = only(data)
    assert isinstance(found, Refusal)
    return found.id, found.code


def test_a_call_is_read() -> None:
    message = message_decoder(JSON)('{"jsonrpc": "2.0", "id": 0, "method": "add", "params": [1, 2]}')
    assert (message.id, message.method) == (0, "add")
    assert JSON.decode(message.params, list[int]) == [1, 2]
    assert is_call(message)


def test_an_event_has_no_id() -> None:
    message = message_decoder(JSON)('{"jsonrpc": "2.0", "method": "typing"}')
    assert message.id is UNSET
    assert message.params is UNSET
    assert not is_call(message)


def test_a_null_id_is_an_id() -> None:
    assert is_call(message_decoder(JSON)('{"jsonrpc": "2.0", "id": null, "method": "add"}'))


@pytest.mark.parametrize("id_", [0, 1, "0", "a", 1.5, None, 2**80])
def test_an_id_keeps_its_type(id_: Any) -> None:
    message = message_decoder(JSON)(json.dumps({"jsonrpc": "2.0", "id": id_, "method": "add"}))
    assert message.id == id_
    assert type(message.id) is type(id_)
    assert json.loads(JSON.encode(ResultReply(message.id, None)))["id"] == id_


@pytest.mark.parametrize(
    ("data", "id_", "code"),
    [
        # The examples in section 7 of the specification.
        ('{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]', None, -32700),
        ('{"jsonrpc": "2.0", "method": 1, "params": "bar"}', None, -32600),
        ("[]", None, -32600),
        (
            '[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"}, {"jsonrpc": "2.0", "method"',
            None,
            -32700,
        ),
        # The error has the id wherever it can be read.
        ('{"id": 4}', 4, -32600),
        ('{"jsonrpc": "2.0", "id": "4"}', "4", -32600),
        ('{"jsonrpc": "1.0", "id": 4, "method": "add"}', 4, -32600),
        ('{"jsonrpc": "2.0", "id": 4, "method": null}', 4, -32600),
        ('{"jsonrpc": "2.0", "id": [4], "method": "add"}', None, -32600),
        ('{"jsonrpc": "2.0", "id": {}, "method": "add"}', None, -32600),
        ('"text"', None, -32600),
        ("12", None, -32600),
        ("null", None, -32600),
        ("", None, -32700),
        ("{", None, -32700),
        (b"\xff\xfe", None, -32700),
        ("[" * 100_000, None, -32700),
    ],
)
def test_invalid_messages_are_refused_with_the_code_of_the_specification(
    data: str | bytes, id_: Any, code: int
) -> None:
    assert refusal(data) == (id_, code)


def test_a_batch_of_invalid_messages_has_an_error_for_each() -> None:
    for data, count in (("[1]", 1), ("[1,2,3]", 3)):
        frame = read_frame(data, JSON)
        assert frame.is_batch
        assert [(each.id, each.code) for each in frame.messages if isinstance(each, Refusal)] == [
            (None, -32600)
        ] * count


def test_a_batch_may_mix_valid_and_invalid_messages() -> None:
    data = """[
        {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
        {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
        {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
        {"foo": "boo"},
        {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
        {"jsonrpc": "2.0", "method": "get_data", "id": "9"}
    ]"""
    found = read_frame(data, JSON).messages
    assert [each.method if isinstance(each, Message) else each.code for each in found] == [
        "sum",
        "notify_hello",
        "subtract",
        -32600,
        "foo.get",
        "get_data",
    ]


def test_messages_are_written_as_json_rpc() -> None:
    assert [
        json.loads(JSON.encode(each))
        for each in (
            ResultReply(1, None),
            ErrorReply("a", Error(-32601, "Method not found")),
            ErrorReply(None, Error(1, "no", {"why": "so"})),
            Notification("said", {"text": "hi"}),
            Notification("$/progress", Progress("t", [1])),
            ServerRequest("s1", "confirm", {}),
        )
    ] == [
        {"jsonrpc": "2.0", "id": 1, "result": None},
        {"jsonrpc": "2.0", "id": "a", "error": {"code": -32601, "message": "Method not found"}},
        {"jsonrpc": "2.0", "id": None, "error": {"code": 1, "message": "no", "data": {"why": "so"}}},
        {"jsonrpc": "2.0", "method": "said", "params": {"text": "hi"}},
        {"jsonrpc": "2.0", "method": "$/progress", "params": {"token": "t", "value": [1]}},
        {"jsonrpc": "2.0", "id": "s1", "method": "confirm", "params": {}},
    ]


def test_error_codes_are_those_of_the_specification() -> None:
    assert [int(code) for code in ErrorCode if -32700 <= code <= -32600] == [-32700, -32600, -32601, -32602, -32603]


@pytest.mark.parametrize("codec", CODECS)
@given(st.binary(max_size=200))
def test_reading_never_raises_for_any_bytes(codec: Codec, data: bytes) -> None:
    assert read_frame(data, codec).messages


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | JSON_VALUES,
        "id": JSON_VALUES,
        "method": st.text(max_size=5) | JSON_VALUES,
        "params": JSON_VALUES,
        "result": JSON_VALUES,
        "error": JSON_VALUES,
    },
)


@given(MEMBERS | st.lists(MEMBERS, max_size=4) | JSON_VALUES)
def test_reading_never_raises_for_any_json(value: Any) -> None:
    assert read_frame(json.dumps(value), JSON).messages
