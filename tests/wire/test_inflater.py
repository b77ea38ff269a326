"""Inflating compressed messages: every setting, any pieces, and nothing beyond the limit."""

from __future__ import annotations

import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.errors import FrameError
from emmett.wire.inflater import Inflater
from tests.wire.deflate_maker import Peer, bomb
from tests.work import LineCount, check_linear

KIB = 1024
MIB = 1024 * KIB
TEXT = b"It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness. "


def inflater(*, window_bits: int = 15, context_takeover: bool = True, max_size: int = MIB) -> Inflater:
    return Inflater(window_bits=window_bits, context_takeover=context_takeover, max_size=max_size)


def code_of(data: bytes, target: Inflater | None = None) -> int:
    with pytest.raises(FrameError) as caught:
        (target or inflater()).inflate(data, True)
    assert len(caught.value.reason.encode()) <= 123
    return caught.value.code


MESSAGES = st.lists(st.binary(max_size=200) | st.binary(max_size=20).map(lambda piece: piece * 40), max_size=6)
PEERS = st.builds(
    Peer,
    window_bits=st.integers(9, 15),
    takeover=st.booleans(),
    level=st.integers(0, 9),
    memory_level=st.integers(1, 9),
    strategy=st.sampled_from((zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED)),
)


@given(messages=MESSAGES, peer=PEERS, data=st.data())
def test_all_output_of_zlib_is_inflated(messages: list[bytes], peer: Peer, data: st.DataObject) -> None:
    ours = inflater(window_bits=peer.window_bits, context_takeover=peer.takeover)
    for message in messages:
        payload = peer.compress(message)
        cut = data.draw(st.integers(0, len(payload)))
        assert ours.inflate(payload[:cut], False) + ours.inflate(payload[cut:], True) == message


def test_a_peer_that_does_not_use_its_context_is_understood() -> None:
    # It said that it might refer back, and does not.
    peer, ours = Peer(takeover=False), inflater()
    for _ in range(3):
        assert ours.inflate(peer.compress(TEXT), True) == TEXT


def test_a_reference_back_without_takeover_is_corrupt() -> None:
    peer, ours = Peer(), inflater(context_takeover=False)
    assert ours.inflate(peer.compress(TEXT), True) == TEXT
    assert code_of(peer.compress(TEXT), ours) == 1007


def test_a_sender_with_nine_bits_instead_of_eight_is_understood() -> None:
    peer, ours = Peer(window_bits=9), inflater(window_bits=8)
    for start in range(200):
        assert ours.inflate(peer.compress(TEXT * 9 + TEXT[start:]), True) == TEXT * 9 + TEXT[start:]


@pytest.mark.parametrize("max_size", [1, 100, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, MIB])
@pytest.mark.parametrize("level", [0, 1, 9])
def test_the_limit_is_exact(max_size: int, level: int) -> None:
    for message in (bytes(max_size), (TEXT * (max_size // len(TEXT) + 1))[:max_size]):
        payload = Peer(level=level).compress(message)
        assert len(payload) <= inflater(max_size=max_size).max_wire_size
        assert inflater(max_size=max_size).inflate(payload, True) == message
        assert code_of(Peer(level=level).compress(message + b"!"), inflater(max_size=max_size)) == 1009


def test_random_data_grows_no_more_than_allowed_for_a_frame() -> None:
    noise = zlib.compress(b"".join(b"%d" % number for number in range(200_000)), 9)[2:150_000]
    for level, memory_level, strategy in [(1, 1, zlib.Z_FIXED), (9, 1, 0), (6, 9, zlib.Z_HUFFMAN_ONLY), (0, 1, 0)]:
        payload = Peer(window_bits=9, level=level, memory_level=memory_level, strategy=strategy).compress(noise)
        assert len(payload) <= inflater(max_size=len(noise)).max_wire_size


def test_the_limit_applies_to_each_message() -> None:
    peer, ours = Peer(), inflater(max_size=1000)
    for _ in range(5):
        assert ours.inflate(peer.compress(bytes(1000)), True) == bytes(1000)


BOMB = bomb(1024 * MIB)


@pytest.mark.parametrize("pieces", [1, 7, 1000])
@pytest.mark.parametrize("max_size", [64 * KIB, MIB, 16 * MIB])
def test_a_bomb_takes_less_memory_than_twice_the_limit(pieces: int, max_size: int) -> None:
    ours = inflater(max_size=max_size)
    step = -(-len(BOMB) // pieces)
    kept = []
    tracemalloc.start()
    try:
        with pytest.raises(FrameError) as caught:
            for start in range(0, len(BOMB), step):
                kept.append(ours.inflate(BOMB[start : start + step], False))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.code == 1009
    # Not counting the piece of the bomb itself, and what zlib and one step of inflating need at any limit.
    assert peak - step <= 2 * max_size + 128 * KIB


def test_empty_blocks_take_linear_time() -> None:
    # Without content: stored blocks, and blocks with fixed codes, which take ten bits, so that four of them fill five
    # bytes: 010 0000000.
    four = sum(0b0000000010 << 10 * index for index in range(4)).to_bytes(5, "little")

    def inflate(size: int) -> None:
        for empty in (b"\x00\x00\x00\xff\xff", four):
            assert inflater().inflate(empty * size + b"\x00", True) == b""

    check_linear(inflate, 200_000)


def test_many_empty_messages_are_empty() -> None:
    ours = inflater()
    for payload in (b"\x00", b"", b"\x00", b"", b""):
        assert ours.inflate(payload, True) == b""
    assert ours.inflate(Peer().compress(TEXT), True) == TEXT


def test_a_second_empty_message_in_a_row_has_no_output_of_zlib() -> None:
    compressor, ours = zlib.compressobj(wbits=-15), inflater()
    assert compressor.flush(zlib.Z_SYNC_FLUSH) == b"\x00\x00\x00\xff\xff"
    assert compressor.flush(zlib.Z_SYNC_FLUSH) == b""
    payload = compressor.compress(TEXT) + compressor.flush(zlib.Z_SYNC_FLUSH)
    assert [ours.inflate(data, True) for data in (b"\x00", b"", payload[:-4])] == [b"", b"", TEXT]


# RFC 7692, section 7.2.3.
EXAMPLES = {
    "one block": [bytes.fromhex("f248cdc9c90700")],
    "shared window": [bytes.fromhex("f248cdc9c90700"), bytes.fromhex("f200110000")],
    "no compression": [bytes.fromhex("000500faff48656c6c6f00")],
    "final block": [bytes.fromhex("f348cdc9c9070000")],
    "two blocks": [bytes.fromhex("f24805000000ffffcac9c90700")],
}


# The second message of "shared window" refers to the first.
@pytest.mark.parametrize(
    ("name", "context_takeover"),
    [(name, takeover) for name in EXAMPLES for takeover in (True, False) if takeover or name != "shared window"],
)
def test_the_examples_of_the_rfc_are_inflated(name: str, context_takeover: bool) -> None:
    ours = inflater(context_takeover=context_takeover)
    for _ in range(3):
        assert [ours.inflate(payload, True) for payload in EXAMPLES[name]] == [b"Hello"] * len(EXAMPLES[name])


@pytest.mark.parametrize("context_takeover", [True, False])
def test_messages_may_end_their_stream(context_takeover: bool) -> None:
    ours = inflater(context_takeover=context_takeover)
    for number in range(20):
        compressor = zlib.compressobj(wbits=-15)
        final = compressor.compress(TEXT + b"%d" % number) + compressor.flush()
        # With the empty block that RFC 7692, 7.2.1 requires, and without it, as some senders do.
        payload = final + b"\x00" if number % 2 else final
        assert ours.inflate(payload, True) == TEXT + b"%d" % number


def test_a_final_block_may_be_inside_a_message() -> None:
    compressor = zlib.compressobj(wbits=-15)
    final = compressor.compress(TEXT) + compressor.flush()
    for cut in range(len(final)):
        ours = inflater()
        first = ours.inflate(final[:cut], False)
        assert first + ours.inflate(final[cut:] + Peer().compress(b"more"), True) == TEXT + b"more"


def test_a_flood_of_final_blocks_is_refused() -> None:
    with LineCount() as count:
        assert code_of(b"\x03\x00" * 500_000) == 1007
    assert count.lines < 10_000


@pytest.mark.parametrize("data", [b"\xff", b"\x07", b"\x06\x00", b"\x00\x01\x00\x00\x00a\x00", b"\x04" + b"\xff" * 40])
def test_corrupt_data_is_refused(data: bytes) -> None:
    assert code_of(data) == 1007
    assert code_of(data, inflater(context_takeover=False)) == 1007


@pytest.mark.parametrize("context_takeover", [True, False])
@pytest.mark.parametrize(("level", "strategy"), [(6, 0), (1, 0), (6, zlib.Z_FIXED), (0, 0)])
@pytest.mark.parametrize("message", [b"hello", TEXT, TEXT * 50, bytes(range(256)) * 3])
def test_truncated_data_is_refused(message: bytes, level: int, strategy: int, context_takeover: bool) -> None:
    payload = Peer(level=level, strategy=strategy).compress(message)
    for end in range(1, len(payload)):
        ours = inflater(context_takeover=context_takeover)
        if payload[:end] == b"\x00":
            # The header of a stored block cut off right after it, which is how an empty message looks.
            assert ours.inflate(payload[:end], True) == b""
        else:
            assert code_of(payload[:end], ours) == 1007


@given(st.binary(max_size=300), st.booleans())
def test_any_data_is_inflated_or_refused(data: bytes, takeover: bool) -> None:
    ours = inflater(context_takeover=takeover, max_size=10_000)
    try:
        assert len(ours.inflate(data, True)) <= 10_000
    except FrameError as error:
        assert error.code in (1007, 1009)  # noqa: PT017 - both outcomes are correct


def test_discarded_data_is_not_inflated() -> None:
    ours = inflater(max_size=10)
    ours.inflate(Peer().compress(b"hello"), False)
    ours.discard()
    assert ours.inflate(BOMB, True) == b""
    assert ours.inflate(b"\xff\xff", True) == b""


def test_a_message_may_have_many_final_blocks() -> None:
    """Empty final blocks, repeated (RFC 7692, 7.2.3.4): each one begins another stream."""
    assert code_of(b"\x03\x00" * 20) == 1007
