from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from emmett.centrifuge import messages, pushes
from emmett.centrifuge.codec import ClientCodec, UnreadableFrame
from emmett.centrifuge.codes import CommandFailed
from emmett.centrifuge.messages import (
    NOTHING,
    ClientInfo,
    ClientReply,
    ConnectRequest,
    ConnectResult,
    EmptyResult,
    HistoryRequest,
    PresenceResult,
    Push,
    PushedPublication,
    StreamPosition,
    SubscribeRequest,
    SubscribeResult,
)
from emmett.centrifuge.protobuf import MAX_DECODED, MAX_OFFSET, PROTOBUF, read_table
from emmett.channels import Publication
from emmett.errors import WebsocketClosed
from tests.centrifuge.kit import PATH, Service


def test_every_member_of_every_message_has_a_number() -> None:
    for name, members in read_table().items():
        struct = getattr(messages, name)
        assert {member for member, _, _ in members} == set(struct.__struct_fields__), name
        assert len({number for _, number, _ in members}) == len(members), name


@pytest.mark.parametrize(
    ("frame", "name", "expected"),
    [
        # Encoded with the message types of centrifuge-python 0.7.0.
        ("0c 08 01 22 08 0a 01 74 12 03 7b 7d 0a", "connect", ConnectRequest(token="t", data=Raw(b"{}\n"))),
        ("09 08 02 2a 05 0a 01 61 18 01", "subscribe", SubscribeRequest(channel="a", recover=True)),
        (
            "14 08 03 52 10 0a 01 61 38 ff ff ff ff ff ff ff ff ff 01 48 01",
            "history",
            HistoryRequest(channel="a", limit=-1, reverse=True),
        ),
        ("0b 08 04 52 07 0a 01 61 42 02 08 05", "history", None),
    ],
)
def test_commands_are_read(frame: str, name: str, expected: Any) -> None:
    (command,) = PROTOBUF.decode(bytes.fromhex(frame))
    if expected is None:
        expected = HistoryRequest(channel="a", since=StreamPosition(offset=5))
    assert getattr(command, name) == expected


def test_a_frame_may_have_several_commands_and_pongs() -> None:
    found = PROTOBUF.decode(bytes.fromhex("00 02 08 05 04 08 06 5a 00"))
    assert [(command.id, command.ping is not None) for command in found] == [(0, False), (5, False), (6, True)]


def test_an_offset_has_the_same_bound_as_in_json() -> None:
    frame = bytes.fromhex("0f 08 01 2a 0b 38 ff ff ff ff ff ff ff ff ff 01")
    (command,) = PROTOBUF.decode(bytes([len(frame) - 1]) + frame[1:])
    assert command.subscribe == SubscribeRequest(offset=MAX_OFFSET)


@pytest.mark.parametrize(
    "frame", ["text", b"\x80", b"\x05\x08", b"\xff\xff\xff\xff\xff\xff", b"\x02\x08\xff", b"\x03\x22\x05x"]
)
def test_an_unreadable_frame_is_refused(frame: str | bytes) -> None:
    with pytest.raises(UnreadableFrame):
        PROTOBUF.decode(frame)


def test_the_commands_of_a_frame_are_limited() -> None:
    with pytest.raises(UnreadableFrame, match="more than"):
        PROTOBUF.decode(b"\x00" * (MAX_DECODED + 1))


def test_replies_are_written() -> None:
    replies = [
        ClientReply(),
        ClientReply(id=1, unsubscribe=EmptyResult()),
        ClientReply(push=Push(channel="a", pub=PushedPublication(data=Raw(b"\xff"), offset=300, tags={"k": "v"}))),
    ]
    assert PROTOBUF.encode(replies).hex(" ") == (
        "00 04 08 01 3a 00 15 22 13 12 01 61 22 0e 22 01 ff 30 ac 02 3a 06 0a 01 6b 12 01 76"
    )


def test_maps_of_messages_are_written() -> None:
    reply = ClientReply(
        id=1,
        connect=ConnectResult(
            client="c", subs={"a": SubscribeResult(publications=[PushedPublication(data=Raw(b"1"))])}
        ),
        presence=PresenceResult(presence={"c": ClientInfo(user="", client="c")}),
    )
    encoded = PROTOBUF.encode([reply])
    assert b"\x0a\x01a\x12\x05\x3a\x03\x22\x011" in encoded
    assert b"\x0a\x01c\x12\x03\x12\x01c" in encoded


def test_a_long_message_has_a_long_length() -> None:
    encoded = PROTOBUF.encode([ClientReply(push=Push(pub=PushedPublication(data=Raw(b"x" * 200))))])
    assert len(encoded) == 2 + (encoded[0] & 0x7F) + (encoded[1] << 7)


def test_data_may_be_any_bytes() -> None:
    assert PROTOBUF.wrap("é") == Raw("é".encode())
    assert PROTOBUF.wrap(b"\xff") == Raw(b"\xff")
    assert PROTOBUF.unwrap(Raw(b'{"a":1}')) == '{"a":1}'
    assert PROTOBUF.unwrap(Raw(b"\xff")) == b"\xff"
    with pytest.raises(CommandFailed, match="bad request"):
        PROTOBUF.unwrap(NOTHING)


async def test_json_and_protobuf_clients_reach_each_other() -> None:
    service = Service()
    service.open_namespace("room", history=5)
    async with (
        service.run(),
        service.connected() as plain,
        service.client.websocket(PATH, subprotocols=("centrifuge-protobuf",)) as binary,
    ):
        assert binary.subprotocol == "centrifuge-protobuf"
        await plain.subscribe("room:1")
        await binary.send(bytes.fromhex("04 08 01 22 00 0c 08 02 2a 08 0a 06 72 6f 6f 6d 3a 31"))
        for _ in range(2):
            assert isinstance(await binary.receive(), bytes)
        await plain.ask(publish={"channel": "room:1", "data": {"from": "json"}})
        received = await binary.receive()
        assert isinstance(received, bytes)
        assert b'{"from": "json"}' in received
        content = b'\x0a\x06room:1\x12\x05"hi"\n'
        command = b"\x08\x03\x3a" + bytes([len(content)]) + content
        await binary.send(bytes([len(command)]) + command)
        pushes = [await plain.push(), await plain.push()]
        assert [each["pub"]["data"] for each in pushes] == [{"from": "json"}, "hi"]


async def test_a_publication_is_encoded_once_for_all_clients_of_an_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[str] = []
    push = pushes.push_of

    def counted(publication: Publication, codec: ClientCodec) -> Push | None:
        encoded.append(codec.name)
        return push(publication, codec)

    monkeypatch.setattr(pushes, "push_of", counted)
    service = Service()
    service.open_namespace("room", history=5)
    commands = bytes.fromhex("04 08 01 22 00 0c 08 02 2a 08 0a 06 72 6f 6f 6d 3a 31")
    async with service.run(), contextlib.AsyncExitStack() as stack:
        texts = [await stack.enter_async_context(service.connected()) for _ in range(3)]
        for client in texts:
            await client.subscribe("room:1")
        binaries = [
            await stack.enter_async_context(service.client.websocket(PATH, subprotocols=("centrifuge-protobuf",)))
            for _ in range(3)
        ]
        for binary in binaries:
            await binary.send(commands)
            for _ in range(2):
                await binary.receive()
        await service.channels.publish("room:1", 7)
        assert [(await client.push())["pub"]["data"] for client in texts] == [7, 7, 7]
        assert len({await binary.receive() for binary in binaries}) == 1
    assert sorted(encoded) == ["json", "protobuf"]


VALUES = (
    st.binary(max_size=30)
    | st.lists(
        st.tuples(st.integers(1, 15), st.binary(max_size=12)).map(
            lambda pair: bytes([pair[0] << 3 | 2, len(pair[1])]) + pair[1]
        ),
        max_size=4,
    ).map(b"".join)
    | st.binary(max_size=12).map(
        # A subscription with a tag filter.
        lambda tree: b"\x08\x09\x2a" + bytes([len(tree) + 10]) + b"\x0a\x06room:1\x6a" + bytes([len(tree)]) + tree
    )
)


@settings(max_examples=30, deadline=None)
@given(commands=st.lists(VALUES, max_size=4), tail=st.binary(max_size=3))
def test_reading_never_raises_for_any_frame(commands: list[bytes], tail: bytes) -> None:
    async def run() -> None:
        service = Service()
        service.open_namespace("room", history=5, presence=True)
        frame = b"".join(bytes([len(command)]) + command for command in commands) + tail
        async with (
            service.run(),
            service.client.websocket(PATH, subprotocols=("centrifuge-protobuf",)) as websocket,
        ):
            await websocket.send(bytes.fromhex("04 08 01 22 00"))
            await websocket.receive()
            await websocket.send(frame)
            # A second connect always ends the connection, so the test can wait for that end.
            await websocket.send(bytes.fromhex("04 08 63 22 00"))
            with pytest.raises(WebsocketClosed):
                while True:
                    received = await websocket.receive()
                    assert isinstance(received, bytes)
                    assert b"internal server error" not in received, frame.hex()
            assert websocket.close_code in (3500, 3501)

    asyncio.run(run())


async def test_filters_and_channel_numbers_work_with_protobuf() -> None:
    service = Service(numbers_in_protobuf=True)
    service.open_namespace("room")
    leaf = bytes.fromhex("12 01 61") + b"\x1a\x02in" + b"\x2a\x01x\x2a\x01y"
    tree = b"\x0a\x03not" + bytes([0x32, len(leaf)]) + leaf
    request = b"\x0a\x06room:1" + bytes([0x6A, len(tree)]) + tree + b"\x70\x01"
    command = b"\x08\x02" + bytes([0x2A, len(request)]) + request
    (decoded,) = PROTOBUF.decode(bytes([len(command)]) + command)
    assert decoded.subscribe is not None
    assert decoded.subscribe.tf == messages.FilterNode(
        op="not", nodes=[messages.FilterNode(key="a", cmp="in", vals=["x", "y"])]
    )
    async with service.run(), service.client.websocket(PATH, subprotocols=("centrifuge-protobuf",)) as websocket:
        await websocket.send(bytes.fromhex("04 08 01 22 00"))
        await websocket.receive()
        await websocket.send(bytes([len(command)]) + command)
        assert await websocket.receive() == bytes.fromhex("06 08 02 32 02 70 01")
        for number, tag in enumerate("xyz"):
            await service.centrifuge.server.publish("room:1", number, tags={"a": tag})
        # The number of the channel, and only what the filter selects.
        push = b"\x08\x01\x22\x0b" + b"\x22\x012\x3a\x06\x0a\x01a\x12\x01z"
        assert await websocket.receive() == bytes([len(push) + 2, 0x22, len(push)]) + push
