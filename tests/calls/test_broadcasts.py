import logging
from typing import Any

import msgspec
import pytest

from emmett.calls.broadcasts import Broadcasts, PublicationEncoder
from emmett.calls.codecs import JSON, MESSAGE_PACK
from emmett.calls.jsonrpc import Notification
from emmett.channels import Channels, Kind, Publication
from emmett.channels.brokers.memory import MemoryBroker
from emmett.errors import UsageError
from emmett.rare_log import RareLog


class Said(msgspec.Struct):
    text: str
    picture: bytes = b""


EMITTED: dict[type, str] = {Said: "said"}
TEXT = '{"jsonrpc":"2.0","method":"said","params":{"text":"hi","picture":"AAE="}}'


def encoder(codec: Any) -> PublicationEncoder:
    return PublicationEncoder(codec, EMITTED, RareLog(logging.getLogger("emmett.calls")))


def test_json_is_passed_on_unchanged() -> None:
    assert encoder(JSON)(Publication("room:1", TEXT)) is TEXT


def test_binary_json_becomes_text() -> None:
    assert encoder(JSON)(Publication("room:1", TEXT.encode())) == TEXT


def test_message_pack_is_encoded_from_the_declared_type() -> None:
    data = encoder(MESSAGE_PACK)(Publication("room:1", TEXT))
    assert isinstance(data, bytes)
    assert msgspec.msgpack.decode(data) == {
        "jsonrpc": "2.0",
        "method": "said",
        "params": {"text": "hi", "picture": b"\x00\x01"},
    }


@pytest.mark.parametrize("kind", [Kind.JOIN, Kind.LEAVE, Kind.GAP])
def test_only_messages_have_an_encoding(kind: Kind) -> None:
    assert encoder(JSON)(Publication("room:1", "{}", kind)) is None
    assert PublicationEncoder.ends_at_gap


@pytest.mark.parametrize("codec", [JSON, MESSAGE_PACK])
@pytest.mark.parametrize(
    "data",
    [
        *("", "x", "{}", "[]", "null", b"\xff", "[" * 10_000, '{"jsonrpc":"2.0","method":"said"}'),
        '{"jsonrpc":"2.0","method":"other","params":{}}',
        '{"jsonrpc":"1.0","method":"said","params":{"text":"hi"}}',
    ],
    ids=lambda data: repr(data)[:40],
)
def test_publications_that_are_no_messages_are_left_out(
    data: str | bytes, codec: Any, caplog: pytest.LogCaptureFixture
) -> None:
    encode = encoder(codec)
    assert encode(Publication("room:1", data)) is None
    assert encode(Publication("room:2", data)) is None
    assert caplog.messages == ["left out a publication of channel room:1 that calls.notify did not make"]


def test_a_message_that_does_not_match_its_type_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    data = '{"jsonrpc":"2.0","method":"said","params":{"text":1}}'
    assert encoder(MESSAGE_PACK)(Publication("room:1", data)) is None
    assert "left out" in caplog.text


def test_connections_share_an_encoder() -> None:
    broadcasts = Broadcasts("calls", EMITTED, lambda: None)
    assert broadcasts.encoder(JSON) is broadcasts.encoder(JSON)
    assert broadcasts.encoder(JSON) is not broadcasts.encoder(MESSAGE_PACK)


def test_each_user_has_a_channel() -> None:
    broadcasts, other = (Broadcasts(name, EMITTED, lambda: None) for name in ("calls", "other"))
    names = [broadcasts.channel_of(user) for user in ("", "ada", "bob", "a" * 1000, "\ud800", "a\nb")]
    names.append(other.channel_of("ada"))
    assert len(set(names)) == len(names)
    assert all(len(name) < 60 for name in names)
    assert broadcasts.channel_of("ada") == names[1]


async def test_publishing_without_channels_is_an_error() -> None:
    broadcasts = Broadcasts("calls", EMITTED, lambda: None)
    assert not broadcasts.is_available
    with pytest.raises(UsageError, match=r"Channels\(app\)"):
        await broadcasts.publish("room:1", Notification("said", Said("hi")))


async def test_a_message_is_published_as_json() -> None:
    async with Channels(broker=MemoryBroker()) as channels:
        broadcasts = Broadcasts("calls", EMITTED, lambda: channels)
        async with channels.subscribe("room:1") as feed:
            await broadcasts.publish("room:1", Notification("said", Said("hi", b"\x00\x01")))
            assert (await anext(feed)).data == TEXT
