"""The frame reader and the encoders, alone: every rule of RFC 6455, section 5, on bytes."""

from __future__ import annotations

from collections import deque
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.errors import FrameError
from emmett.wire.frames import OP_CLOSE, OP_PING, OP_PONG, FrameReader
from tests.wire.frame_maker import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, client_frame, close_payload
from tests.wire.owner import Owner

KIB = 1024
MIB = 1024 * KIB


class Peer:
    """A reader that records everything it delivers."""

    def __init__(
        self,
        *,
        max_message_size: int = MIB,
        max_fragments: int = 1024,
        max_messages: int = 100_000,
        max_bytes: int = 1 << 40,
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
        return caught.value.code


def one_by_one(data: bytes) -> list[bytes]:
    return [data[index : index + 1] for index in range(len(data))]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, MIB - 1, MIB])
def test_messages_may_have_every_form_of_length(size: int) -> None:
    peer = Peer()
    assert peer.feed(client_frame(TEXT, b"a" * size), client_frame(BINARY, b"b" * size)) == ["a" * size, b"b" * size]
    assert peer.reader.unparsed == 0
    assert peer.reader.received == 2


@pytest.mark.parametrize("size", [0, 5, 126, 300, 65536])
def test_a_frame_may_arrive_in_single_bytes(size: int) -> None:
    peer = Peer()
    assert peer.feed(*one_by_one(client_frame(TEXT, b"x" * size))) == ["x" * size]


def test_a_ping_may_come_between_fragments() -> None:
    peer = Peer()
    assert peer.feed(
        client_frame(TEXT, "sn\N{SNOWMAN}".encode()[:3], fin=False),
        client_frame(PING, b"?"),
        client_frame(CONTINUATION, b"", fin=False),
        client_frame(CONTINUATION, "sn\N{SNOWMAN}".encode()[3:]),
    ) == ["sn\N{SNOWMAN}"]
    assert peer.controls == [(OP_PING, b"?")]


def test_binary_messages_may_have_fragments() -> None:
    assert Peer().feed(client_frame(BINARY, b"\xff", fin=False), client_frame(CONTINUATION, b"\xfe")) == [b"\xff\xfe"]


@pytest.mark.parametrize("opcode", [TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG])
@pytest.mark.parametrize("rsv", [1, 2, 4, 7])
def test_reserved_bits_are_refused(opcode: int, rsv: int) -> None:
    assert Peer().fails(client_frame(opcode, rsv=rsv)) == 1002


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF])
def test_a_reserved_opcode_fails_at_its_first_byte(opcode: int) -> None:
    # It announces 2^40 bytes, none of which the reader may wait for.
    frame = client_frame(opcode, b"", length_field=b"\x7f" + (1 << 40).to_bytes(8, "big"))
    assert Peer().fails(frame[:1]) == 1002


@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, CLOSE])
@pytest.mark.parametrize("payload", [b"", b"hello", b"x" * 200])
def test_an_unmasked_frame_is_refused(opcode: int, payload: bytes) -> None:
    assert Peer().fails(client_frame(opcode, payload, mask=None)) == 1002


@pytest.mark.parametrize("opcode", [CLOSE, PING, PONG])
def test_fragmented_and_long_control_frames_are_refused(opcode: int) -> None:
    assert Peer().fails(client_frame(opcode, b"", fin=False)) == 1002
    assert Peer().fails(client_frame(opcode, b"x" * 126)[:2]) == 1002


def test_a_control_frame_may_have_125_bytes() -> None:
    peer = Peer()
    peer.feed(client_frame(PING, b"p" * 125), client_frame(PONG, b"q" * 125))
    assert peer.controls == [(OP_PING, b"p" * 125), (OP_PONG, b"q" * 125)]


@pytest.mark.parametrize(
    ("length", "codes"),
    [(1 << 63, {1002}), ((1 << 64) - 1, {1002}), ((1 << 63) - 1, {1009}), (1 << 40, {1009}), (MIB + 1, {1009})],
)
def test_absurd_lengths_fail_from_the_header_alone(length: int, codes: set[int]) -> None:
    header = client_frame(BINARY, b"", length_field=b"\x7f" + length.to_bytes(8, "big"))[:10]
    assert Peer().fails(header) in codes
    fragment = client_frame(BINARY, b"x", fin=False)
    continuation = client_frame(CONTINUATION, b"", length_field=b"\x7f" + length.to_bytes(8, "big"))[:10]
    assert Peer().fails(fragment, continuation) in codes


@pytest.mark.parametrize(
    "field",
    [
        b"\x7e" + (125).to_bytes(2, "big"),
        b"\x7e" + (0).to_bytes(2, "big"),
        b"\x7f" + (125).to_bytes(8, "big"),
        b"\x7f" + (65535).to_bytes(8, "big"),
    ],
)
def test_a_length_not_in_its_shortest_form_is_refused(field: bytes) -> None:
    assert Peer().fails(client_frame(BINARY, b"", length_field=field)) == 1002


def test_the_size_limit_is_exact() -> None:
    assert Peer(max_message_size=10).feed(client_frame(TEXT, b"x" * 10)) == ["x" * 10]
    assert Peer(max_message_size=10).fails(client_frame(TEXT, b"x" * 11)[:2] + b"mask") == 1009
    assert Peer(max_message_size=300).feed(client_frame(TEXT, b"x" * 300)) == ["x" * 300]
    assert Peer(max_message_size=300).fails(client_frame(TEXT, b"x" * 301)[:4]) == 1009


def test_the_size_limit_applies_to_all_fragments_together() -> None:
    first = client_frame(BINARY, b"x" * 6, fin=False)
    assert Peer(max_message_size=10).feed(first, client_frame(CONTINUATION, b"x" * 4)) == [b"x" * 10]
    assert Peer(max_message_size=10).fails(first, client_frame(CONTINUATION, b"x" * 5)[:2] + b"mask") == 1009


def test_the_size_limit_applies_to_each_message() -> None:
    peer = Peer(max_message_size=10)
    fragments = client_frame(BINARY, b"x" * 6, fin=False) + client_frame(CONTINUATION, b"x" * 4)
    assert len(peer.feed(fragments * 3, client_frame(BINARY, b"x" * 10))) == 4


@pytest.mark.parametrize("payload", [b"", b"x"])
def test_too_many_fragments_are_refused(payload: bytes) -> None:
    peer = Peer(max_fragments=8)
    peer.feed(client_frame(BINARY, payload, fin=False))
    for _ in range(7):
        peer.feed(client_frame(CONTINUATION, payload, fin=False))
    assert peer.fails(client_frame(CONTINUATION, payload, fin=False)) == 1009


def test_as_many_fragments_as_allowed_are_accepted() -> None:
    peer = Peer(max_fragments=3)
    frames = client_frame(TEXT, b"a", fin=False) + client_frame(CONTINUATION, b"b", fin=False)
    assert peer.feed(frames + client_frame(CONTINUATION, b"c")) == ["abc"]


def test_fragments_out_of_place_are_refused() -> None:
    assert Peer().fails(client_frame(CONTINUATION, b"x")) == 1002
    assert Peer().fails(client_frame(CONTINUATION, b"x", fin=False)) == 1002
    assert Peer().fails(client_frame(TEXT, b"x", fin=False), client_frame(TEXT, b"y")) == 1002
    assert Peer().fails(client_frame(TEXT, b"x", fin=False), client_frame(BINARY, b"y", fin=False)) == 1002


BAD_UTF8 = [
    b"\xff",
    b"\xc0\xaf",  # overlong
    b"\xed\xa0\x80",  # a surrogate
    b"\xf4\x90\x80\x80",  # above U+10FFFF
    b"\xe2\x98",  # truncated
    b"\x80",
]


@pytest.mark.parametrize("text", BAD_UTF8)
def test_text_that_is_not_utf8_is_refused(text: bytes) -> None:
    assert Peer().fails(client_frame(TEXT, text)) == 1007
    assert Peer().fails(client_frame(TEXT, b"a" * 200 + text)) == 1007
    assert Peer().fails(client_frame(TEXT, b"ok", fin=False), client_frame(CONTINUATION, text)) == 1007


@pytest.mark.parametrize("text", [bad for bad in BAD_UTF8 if bad != b"\xe2\x98"])
def test_invalid_utf8_fails_in_the_first_fragment_that_shows_it(text: bytes) -> None:
    assert Peer().fails(client_frame(TEXT, text, fin=False)) == 1007


def test_a_valid_frame_before_an_invalid_one_is_delivered() -> None:
    peer = Peer()
    assert peer.fails(client_frame(TEXT, b"good") + client_frame(BINARY, b"", rsv=4)) == 1002
    assert list(peer.messages) == ["good"]
    assert peer.reader.received == 1
    # Data after an error is ignored.
    assert peer.feed(client_frame(TEXT, b"late")) == ["good"]
    assert peer.reader.finished


def test_data_after_a_close_is_ignored() -> None:
    peer = Peer()
    peer.feed(
        client_frame(TEXT, b"one")
        + client_frame(CLOSE, close_payload(1000))
        + client_frame(TEXT, b"two")
        + client_frame(CLOSE, close_payload(1001)),
        b"\xff\xff\xff garbage",
    )
    assert list(peer.messages) == ["one"]
    assert peer.controls == [(OP_CLOSE, close_payload(1000))]


def test_no_more_messages_are_parsed_than_fit() -> None:
    peer = Peer(max_messages=4)
    assert peer.reader.feed(b"".join(client_frame(TEXT, b"%d" % number) for number in range(10)))
    taken: list[str | bytes] = []
    while True:
        assert len(peer.messages) <= 4
        taken += peer.messages
        peer.messages.clear()
        if not peer.reader.resume() and not peer.messages:
            break
    assert taken == [str(number) for number in range(10)]
    assert peer.reader.received == 10


def test_no_more_bytes_are_parsed_than_fit() -> None:
    peer = Peer(max_bytes=1000)
    assert peer.reader.feed(client_frame(BINARY, b"x" * 400) * 5)
    # The third message passes the bound, because a message that fits in part is taken whole.
    assert len(peer.messages) == 3
    peer.messages.clear()
    assert not peer.reader.resume()
    assert len(peer.messages) == 2


def test_a_message_above_the_byte_bound_is_taken_alone() -> None:
    peer = Peer(max_bytes=10)
    assert peer.feed(client_frame(BINARY, b"x" * 400)) == [b"x" * 400]
    assert peer.reader.feed(client_frame(BINARY, b"y"))
    assert len(peer.messages) == 1


def test_control_frames_alone_never_hold_back() -> None:
    peer = Peer(max_bytes=10)
    assert not peer.reader.feed(client_frame(PING, b"x" * 100) * 50)
    assert len(peer.controls) == 50


def test_more_data_may_arrive_while_frames_are_held_back() -> None:
    peer = Peer(max_messages=1)
    data = b"".join(client_frame(TEXT, b"%d" % number) for number in range(3))
    assert peer.reader.feed(data)
    assert peer.reader.feed(client_frame(TEXT, b"3")[:4])
    assert peer.reader.feed(client_frame(TEXT, b"3")[4:])
    taken: list[str | bytes] = []
    for _ in range(4):
        taken += peer.messages
        peer.messages.clear()
        peer.reader.resume()
    assert taken == ["0", "1", "2", "3"]


def test_discarding_still_sees_control_frames() -> None:
    peer = Peer(max_messages=1)
    peer.reader.feed(client_frame(TEXT, b"kept") + client_frame(TEXT, b"held back"))
    peer.reader.discard()
    for _ in range(5):
        assert not peer.reader.feed(client_frame(TEXT, b"late") * 10)
    peer.reader.feed(client_frame(CLOSE, close_payload(1000)))
    assert list(peer.messages) == ["kept"]
    assert peer.controls == [(OP_CLOSE, close_payload(1000))]


Message = tuple[int, list[bytes]]


def messages() -> st.SearchStrategy[list[Message]]:
    text = st.text(max_size=200).map(lambda value: (TEXT, value.encode()))
    binary = st.binary(max_size=400).map(lambda value: (BINARY, value))
    ping = st.binary(max_size=125).map(lambda value: (PING, value))
    kinds = st.one_of(text, binary, ping)

    def cut(kind: tuple[int, bytes], cuts: list[int]) -> Message:
        opcode, payload = kind
        if opcode == PING:
            return opcode, [payload]
        edges = [0, *sorted(min(edge, len(payload)) for edge in cuts), len(payload)]
        return opcode, [payload[start:stop] for start, stop in pairwise(edges)]

    return st.lists(st.builds(cut, kinds, st.lists(st.integers(0, 400), max_size=3)), max_size=12)


def encode(stream: list[Message], mask: bytes) -> bytes:
    data = b""
    for opcode, pieces in stream:
        for index, piece in enumerate(pieces):
            last = index == len(pieces) - 1
            data += client_frame(CONTINUATION if index else opcode, piece, fin=last, mask=mask)
    return data


@given(messages(), st.binary(min_size=4, max_size=4), st.lists(st.integers(0, 3000), max_size=20), st.integers(1, 5))
def test_the_messages_do_not_depend_on_the_pieces_of_a_stream(
    stream: list[Message], mask: bytes, cuts: list[int], room: int
) -> None:
    """Reliability, line 32; with a small inbox that is emptied between the reads."""
    data = encode(stream, mask)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    peer = Peer(max_messages=room)
    received: list[str | bytes] = []
    for start, stop in pairwise(edges):
        held_back = peer.reader.feed(data[start:stop])
        while held_back or peer.messages:
            received += peer.messages
            peer.messages.clear()
            held_back = peer.reader.resume()
    expected = [
        b"".join(pieces).decode() if opcode == TEXT else b"".join(pieces) for opcode, pieces in stream if opcode != PING
    ]
    assert received == expected
    assert [payload for _, payload in peer.controls] == [pieces[0] for opcode, pieces in stream if opcode == PING]
    assert peer.reader.unparsed == 0


@given(st.lists(st.binary(max_size=60), max_size=12))
def test_arbitrary_bytes_are_messages_or_a_frame_error(pieces: list[bytes]) -> None:
    peer = Peer(max_message_size=1000)
    codes: set[int] = set()
    try:
        peer.feed(*pieces)
    except FrameError as error:
        codes.add(error.code)
    assert codes <= {1002, 1007, 1009}
    assert all(isinstance(message, (str, bytes)) for message in peer.messages)
