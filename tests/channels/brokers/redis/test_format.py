from __future__ import annotations

import pytest
from redis.crc import key_slot
from redis.exceptions import InvalidResponse

from emmett.channels.brokers.port import Entry
from emmett.channels.brokers.redis.format import RedisNames, pack_live, unpack, unpack_logged
from emmett.channels.publication import Position

NAMES = RedisNames("emmett")


@pytest.mark.parametrize("channel", ["a", "room:1", "{", "}", "{}", "{a}b", "a}:top", "}{", "é", "a" * 200])
def test_the_keys_of_a_channel_are_in_one_slot(channel: str) -> None:
    keys = [*NAMES.log_keys(channel), *NAMES.room_keys(channel)]
    assert len({key_slot(key) for key in (*keys, NAMES.key(channel, b""))}) == 1
    assert len(set(keys)) == 5


def test_keys_of_different_channels_differ() -> None:
    channels = ["a", "a}:top", "a}", "{a", "a}:log", "}:top"]
    keys = [key for channel in channels for key in (*NAMES.log_keys(channel), *NAMES.room_keys(channel))]
    assert len(set(keys)) == len(keys)


def test_only_the_end_of_a_pattern_is_a_wildcard() -> None:
    assert NAMES.wire_name("a[b]?\\:*") == rb"emmett:a\[b\]\?\\:*"
    assert NAMES.wire_name("a[b]?\\") == rb"emmett:a[b]?\ "[:-1]


def test_channels_are_read_back() -> None:
    assert NAMES.channel(NAMES.wire("room:é")) == "room:é"
    for wire in (b"other:a", b"emmett:", b"emmett:a b", b"emmett:\xff", b"emmett:a\n", b"emmett:" + b"a" * 201):
        with pytest.raises(ValueError, match=r"a channel|decode"):
            NAMES.channel(wire)


def test_publications_are_read_back() -> None:
    assert unpack(pack_live(b"h1:1:x")) == Entry(b"h1:1:x", None)
    assert unpack(b"habc-1:12::x:") == Entry(b":x:", Position("abc-1", 12))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        b"h",
        b"h:1:x",
        b"habc:0:x",
        b"habc:-1:x",
        b"habc:1",
        b"habc:12345678901234567:x",
        b"ha b:1:x",
        1,
        None,
    ],
)
def test_invalid_publications_are_refused(data: object) -> None:
    with pytest.raises(ValueError, match=r"a |no "):
        unpack(data)


def test_entries_of_a_stream() -> None:
    assert unpack_logged("e", [b"12-1700000000000", [b"p", b"x"]]) == Entry(b"x", Position("e", 12))
    for item in (
        None,
        [],
        [b"1-1", None],
        [b"1-1", [b"q", b"x"]],
        [b"x-1", [b"p", b"x"]],
        [b"1-1", [b"p", b"x", b"y"]],
    ):
        with pytest.raises(InvalidResponse):
            unpack_logged("e", item)
