"""Compressed messages through the frame reader (RFC 7692, 6 and 7.2)."""

from __future__ import annotations

import tracemalloc
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.errors import FrameError
from emmett.wire.deflater import Deflater
from emmett.wire.encoding import encode_message
from emmett.wire.frames import OP_PING, FrameReader
from emmett.wire.inflater import Inflater
from tests.wire.deflate_maker import RSV1, Peer, bomb, compressed_fragments, compressed_frame
from tests.wire.frame_maker import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, client_frame, close_payload
from tests.wire.owner import Owner

KIB = 1024
MIB = 1024 * KIB


class Ours:
    """A reader that inflates, and records everything it delivers."""

    def __init__(
        self,
        *,
        max_message_size: int = MIB,
        max_fragments: int = 1024,
        max_messages: int = 100_000,
        max_bytes: int = 1 << 40,
        takeover: bool = True,
    ) -> None:
        self.messages: deque[str | bytes] = deque()
        owner = Owner()
        self.controls = owner.controls
        self.reader = FrameReader(
            self.messages,
            owner,
            max_message_size=max_message_size,
            max_fragments=max_fragments,
            max_messages=max_messages,
            max_bytes=max_bytes,
        )
        self.reader.inflater = Inflater(window_bits=15, context_takeover=takeover, max_size=max_message_size)

    def feed(self, *pieces: bytes) -> list[str | bytes]:
        """Feed several reads, with a turn of the loop between them."""
        for piece in pieces:
            self.reader.begin_turn()
            held_back = self.reader.feed(piece)
            while held_back and self.reader.spent:
                self.reader.begin_turn()
                held_back = self.reader.resume()
        return list(self.messages)

    def fails(self, *pieces: bytes) -> int:
        with pytest.raises(FrameError) as caught:
            self.feed(*pieces)
        assert len(caught.value.reason.encode()) <= 123
        self.reader.begin_turn()
        assert self.reader.feed(client_frame(TEXT, b"ignored")) is False
        return caught.value.code


def test_compressed_and_plain_messages_may_alternate() -> None:
    peer, ours = Peer(), Ours()
    snow = "\N{SNOWMAN}" * 100
    assert ours.feed(
        compressed_frame(peer.compress(snow.encode())),
        client_frame(TEXT, b"plain"),
        compressed_frame(peer.compress(b"\xff" * 9), BINARY),
        client_frame(BINARY, b"plain" * 100),
        compressed_frame(peer.compress(snow.encode())),
    ) == [snow, "plain", b"\xff" * 9, b"plain" * 100, snow]
    assert ours.reader.received == 5


def test_compressed_fragments_may_have_a_ping_between_and_a_plain_message_after() -> None:
    peer, ours = Peer(), Ours()
    payload = peer.compress(b"hello " * 50)
    first, second, third = compressed_fragments(payload, [3, 3])
    assert ours.feed(first, client_frame(PING, b"?"), second, third) == ["hello " * 50]
    assert ours.controls == [(OP_PING, b"?")]
    plain = [client_frame(TEXT, b"a", fin=False), client_frame(CONTINUATION, b"b")]
    assert ours.feed(*plain)[1:] == ["ab"]
    assert ours.feed(compressed_frame(peer.compress(b"hello")))[2:] == ["hello"]


MESSAGES = st.lists(
    st.tuples(
        st.text(max_size=60) | st.binary(max_size=100) | st.text(max_size=9).map(lambda piece: piece * 50),
        st.booleans(),
        st.lists(st.integers(0, 50), max_size=3),
    ),
    max_size=8,
)


@given(MESSAGES, st.booleans(), st.integers(1, 40), st.integers(1, 4))
def test_messages_are_read_in_any_form_and_pieces(
    messages: list[tuple[str | bytes, bool, list[int]]], takeover: bool, step: int, room: int
) -> None:
    peer, ours = Peer(takeover=takeover), Ours(takeover=takeover, max_messages=room)
    stream = b""
    for message, compressed, cuts in messages:
        payload = message.encode() if isinstance(message, str) else message
        opcode = TEXT if isinstance(message, str) else BINARY
        if compressed:
            payload = peer.compress(payload)
            stream += b"".join(compressed_fragments(payload, [min(cut, len(payload)) for cut in cuts], opcode))
        else:
            stream += client_frame(opcode, payload)
    taken: list[str | bytes] = []
    for start in range(0, len(stream), step):
        held_back = ours.reader.feed(stream[start : start + step])
        while True:
            assert len(ours.messages) <= room
            taken += ours.messages
            ours.messages.clear()
            if not held_back:
                break
            held_back = ours.reader.resume()
    assert taken == [message for message, _, _ in messages]
    assert ours.reader.unparsed == 0


@given(st.lists(st.text(max_size=60) | st.binary(max_size=60), max_size=6), st.booleans(), st.integers(8, 15))
def test_the_inflater_reads_the_output_of_the_deflater(
    messages: list[str | bytes], takeover: bool, window_bits: int
) -> None:
    deflater = Deflater(window_bits=window_bits, context_takeover=takeover, memory_level=5, min_size=20)
    inflater = Inflater(window_bits=window_bits, context_takeover=takeover, max_size=MIB)
    for message in messages:
        frame = deflater.encode(message)
        if frame[0] & 0x40:
            payload = message.encode() if isinstance(message, str) else message
            assert inflater.inflate(frame[4 if frame[1] == 126 else 2 :], True) == payload
        else:
            assert frame == encode_message(message)


@pytest.mark.parametrize("opcode", [CONTINUATION, CLOSE, PING, PONG])
def test_the_compression_bit_is_refused_on_other_frames(opcode: int) -> None:
    assert Ours().fails(client_frame(opcode, rsv=RSV1)) == 1002


@pytest.mark.parametrize("compressed", [True, False])
def test_the_compression_bit_is_refused_on_a_continuation(compressed: bool) -> None:
    rsv = RSV1 if compressed else 0
    first = client_frame(TEXT, Peer().compress(b"hello")[:3] if compressed else b"a", fin=False, rsv=rsv)
    assert Ours().fails(first, client_frame(CONTINUATION, b"\x00", rsv=RSV1)) == 1002


@pytest.mark.parametrize("rsv", [1, 2, 3, 5, 6, 7])
def test_other_reserved_bits_are_refused(rsv: int) -> None:
    assert Ours().fails(client_frame(TEXT, b"\x00", rsv=rsv)) == 1002


def test_the_compression_bit_is_refused_without_an_agreement() -> None:
    ours = Ours()
    ours.reader.inflater = None
    assert ours.fails(compressed_frame(Peer().compress(b"hello"))[:1]) == 1002


def test_control_frames_inside_a_compressed_message_are_not_inflated() -> None:
    ours = Ours()
    first, second = compressed_fragments(Peer().compress(b"hello"), [4])
    ours.feed(first, client_frame(PING, b"x" * 125), client_frame(CLOSE, close_payload(1000)), second)
    assert ours.controls == [(OP_PING, b"x" * 125), (CLOSE, close_payload(1000))]
    assert not ours.messages


def test_the_limit_applies_to_the_inflated_message() -> None:
    for cuts in ([], [5], [2, 9, 9]):
        ours, peer = Ours(max_message_size=1000), Peer()
        assert ours.feed(*compressed_fragments(peer.compress(b"a" * 1000), cuts)) == ["a" * 1000]
        assert ours.fails(*compressed_fragments(peer.compress(b"a" * 1001), cuts)) == 1009


def test_the_limit_applies_to_all_fragments_together() -> None:
    peer, ours = Peer(), Ours(max_message_size=1000)
    payload = peer.compress(bytes(range(256)) * 4)
    first, _ = compressed_fragments(payload, [len(payload) - 1])
    assert ours.fails(first) == 1009


def test_a_frame_that_announces_too_much_fails_at_its_header() -> None:
    # No message of 1000 bytes takes this many when compressed.
    frame = client_frame(BINARY, b"\x00" * 2300, rsv=RSV1)
    assert Ours(max_message_size=1000).fails(frame[:8]) == 1009
    fragments = [client_frame(BINARY, b"\x00" * 900, fin=False, rsv=RSV1)]
    fragments += [client_frame(CONTINUATION, b"\x00" * 900, fin=False)] * 2
    assert Ours(max_message_size=1000).fails(*fragments[:2], fragments[2][:4]) in (1007, 1009)


def test_too_many_fragments_are_refused() -> None:
    payload = Peer().compress(b"hello")
    assert Ours(max_fragments=3).feed(*compressed_fragments(payload, [0, 0])) == ["hello"]
    assert Ours(max_fragments=3).fails(*compressed_fragments(payload, [0, 0, 0])) == 1009


@pytest.mark.parametrize("pieces", [1, 500])
def test_a_bomb_is_refused_with_little_memory(pieces: int) -> None:
    payload = bomb(1024 * MIB)
    step = len(payload) // pieces
    frames = compressed_fragments(payload, [index * step for index in range(1, pieces)], BINARY)
    for max_message_size in (64 * KIB, 16 * MIB):
        ours = Ours(max_message_size=max_message_size)
        if max_message_size < len(payload) and pieces == 1:
            assert ours.fails(frames[0][:10]) == 1009
            continue
        tracemalloc.start()
        try:
            assert ours.fails(*frames) == 1009
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        # The frame itself exists twice, masked and unmasked.
        assert peak <= 2 * max_message_size + 128 * KIB + (2 * len(payload) if pieces == 1 else 0)


@pytest.mark.parametrize("text", [b"\xff", b"\xed\xa0\x80", b"\xc0\xaf", b"abc\xe2\x98"])
def test_text_that_is_not_utf8_is_refused(text: bytes) -> None:
    assert Ours().fails(compressed_frame(Peer().compress(text))) == 1007


def test_invalid_utf8_in_fragments_fails_as_soon_as_it_is_known() -> None:
    peer = Peer()
    head = peer.compress(b"fine \xff") + b"\x00\x00\xff\xff"
    assert Ours().fails(client_frame(TEXT, head, fin=False, rsv=RSV1)) == 1007


def test_a_character_may_be_split_over_fragments() -> None:
    peer, ours = Peer(level=0), Ours()
    payload = peer.compress("sn\N{SNOWMAN}w".encode())
    for cut in range(len(payload)):
        ours.feed(*compressed_fragments(payload, [cut]))
    assert set(ours.messages) == {"sn\N{SNOWMAN}w"}


@pytest.mark.parametrize("payload", [b"\xff\xff", Peer().compress(b"hello")[:-2], Peer().compress(b"hello") + b"x"])
def test_corrupt_and_truncated_data_is_refused(payload: bytes) -> None:
    peer, ours = Peer(), Ours()
    assert ours.feed(compressed_frame(peer.compress(b"good"))) == ["good"]
    assert ours.fails(compressed_frame(payload)) == 1007
    assert list(ours.messages) == ["good"]


def test_waiting_messages_are_bounded_by_their_inflated_size() -> None:
    peer, ours = Peer(), Ours(max_bytes=100 * KIB)
    stream = b"".join(compressed_frame(peer.compress(bytes([index]) * 40 * KIB), BINARY) for index in range(9))
    assert len(stream) < 2 * KIB
    held_back = ours.reader.feed(stream)
    lengths = []
    while True:
        lengths.append(len(ours.messages))
        ours.messages.clear()
        if not held_back:
            break
        held_back = ours.reader.resume()
    assert lengths == [3, 3, 3]


def test_discarded_messages_are_not_inflated() -> None:
    ours = Ours(max_messages=1)
    bombs = compressed_frame(bomb(16 * MIB), BINARY)
    assert ours.reader.feed(client_frame(TEXT, b"one") * 2) is True
    ours.reader.discard()
    assert ours.feed(bombs, compressed_frame(b"\xff\xff"), client_frame(CLOSE, close_payload(1000))) == ["one"]
    assert ours.controls == [(CLOSE, close_payload(1000))]
