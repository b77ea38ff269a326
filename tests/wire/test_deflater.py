"""Compression of a server's messages: a peer that uses zlib understands it with every setting."""

from __future__ import annotations

import threading
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.wire import deflater as deflater_module
from emmett.wire.deflater import Deflater
from emmett.wire.encoding import encode_message
from emmett.wire.inflater import Inflater
from tests.wire.deflate_maker import Peer

TEXT = "It was the best of times, it was the worst of times, it was the age of wisdom. "


def deflater(
    *, window_bits: int = 12, context_takeover: bool = True, memory_level: int = 5, min_size: int = 0
) -> Deflater:
    return Deflater(
        window_bits=window_bits, context_takeover=context_takeover, memory_level=memory_level, min_size=min_size
    )


@pytest.fixture(params=["zlib", "isal"], autouse=True, scope="module")
def compressor(request: pytest.FixtureRequest) -> Iterator[None]:
    """Compress with each of the two implementations."""
    if request.param == "isal":
        assert deflater_module._fast_compressor is not None
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deflater_module, "_fast_compressor", None)
        deflater_module._shared_compressor.cache_clear()
        yield
    deflater_module._shared_compressor.cache_clear()


MESSAGES = st.lists(
    st.text(max_size=100)
    | st.binary(max_size=200)
    | st.binary(max_size=30).map(lambda piece: piece * 60)
    | st.randoms(use_true_random=False).map(lambda random: random.randbytes(3000)),
    max_size=6,
)


@given(MESSAGES, st.integers(8, 15), st.booleans(), st.integers(1, 9), st.integers(0, 100))
def test_a_peer_on_zlib_can_read_our_messages(
    messages: list[str | bytes], window_bits: int, takeover: bool, memory_level: int, min_size: int
) -> None:
    ours = deflater(window_bits=window_bits, context_takeover=takeover, memory_level=memory_level, min_size=min_size)
    # The peer's window is no larger than agreed. zlib can inflate, but not deflate, with 8 bits.
    peer = Peer(window_bits=15, takeover=takeover)
    strict = zlib.decompressobj(-window_bits)
    for message in messages:
        frame = ours.encode(message)
        payload = message.encode() if isinstance(message, str) else message
        assert frame[0] & 0x0F == (1 if isinstance(message, str) else 2)
        assert peer.read_frame(frame) == payload
        if frame[0] & 0x40:
            if not takeover:
                strict = zlib.decompressobj(-window_bits)
            start = {126: 4, 127: 10}.get(frame[1], 2)
            assert strict.decompress(frame[start:] + b"\x00\x00\xff\xff") == payload
        if len(payload) < min_size:
            assert not frame[0] & 0x40


@pytest.mark.parametrize("distance", [249, 250, 251, 255, 256, 257, 300, 511])
def test_references_stay_within_a_window_of_eight_bits(distance: int) -> None:
    # A repetition at each distance around the size of a window of 256 bytes.
    unlike = bytes(index * 167 % 251 for index in range(distance - 40))
    message = (b"<" + bytes(range(200, 239)) + unlike) * 3
    frame = deflater(window_bits=8).encode(message)
    assert frame[0] & 0x40
    start = {126: 4, 127: 10}.get(frame[1], 2)
    assert zlib.decompressobj(-8).decompress(frame[start:] + b"\x00\x00\xff\xff") == message


def test_takeover_makes_repeated_messages_small() -> None:
    ours = deflater()
    sizes = [len(ours.encode(TEXT)) for _ in range(3)]
    assert sizes[1] < sizes[0] / 3
    assert sizes[2] < sizes[0] / 3


def test_without_takeover_each_message_is_independent() -> None:
    ours, other = deflater(context_takeover=False), deflater(context_takeover=False)
    frames = [ours.encode(TEXT + "1"), other.encode(TEXT + "2"), ours.encode(TEXT + "1"), other.encode(TEXT + "1")]
    assert frames[0] == frames[2] == frames[3]
    assert Peer(takeover=False).read_frame(frames[1]) == (TEXT + "2").encode()


def test_small_messages_are_not_compressed() -> None:
    ours = deflater(min_size=10)
    # The size counts in bytes, not in characters.
    for message in ("a" * 9, b"a" * 9, "\N{SNOWMAN}" * 3, ""):
        assert ours.encode(message) == encode_message(message)
    for message in ("a" * 10, b"a" * 10, "\N{SNOWMAN}" * 4):
        assert ours.encode(message)[0] & 0x40


@pytest.mark.parametrize("context_takeover", [True, False])
def test_an_empty_message_is_never_compressed(context_takeover: bool) -> None:
    ours = deflater(context_takeover=context_takeover)
    assert [ours.encode("") for _ in range(3)] == [b"\x81\x00"] * 3


def test_without_context_a_message_that_would_grow_is_sent_uncompressed() -> None:
    noise = zlib.compress(TEXT.encode() * 3, 9)
    assert deflater(context_takeover=False).encode(noise) == encode_message(noise)
    # With a context, the peer would miss the message in its window.
    assert deflater().encode(noise)[0] & 0x40


def test_a_message_to_many_is_compressed_once() -> None:
    message = TEXT * 3
    frames = [deflater(context_takeover=False).encode(message) for _ in range(3)]
    assert frames[0] is frames[1]
    assert frames[1] is frames[2]
    other = deflater(context_takeover=False, window_bits=15).encode(message)
    assert other is not frames[0]


def test_a_changed_buffer_is_compressed_again() -> None:
    ours = deflater(context_takeover=False)
    buffer = bytearray(TEXT.encode())
    first = ours.encode(buffer)
    buffer[:2] = b"XX"
    assert Peer(takeover=False).read_frame(ours.encode(buffer)) == bytes(buffer)
    assert Peer(takeover=False).read_frame(first) == TEXT.encode()
    assert Peer(takeover=False).read_frame(ours.encode(memoryview(buffer))) == bytes(buffer)


@pytest.mark.parametrize("context_takeover", [True, False])
def test_another_type_is_refused(context_takeover: bool) -> None:
    ours = deflater(context_takeover=context_takeover)
    for wrong in (None, 1, ["a"]):
        with pytest.raises(TypeError, match="str or bytes-like"):
            ours.encode(wrong)  # type: ignore[arg-type]
    with pytest.raises(UnicodeEncodeError):
        ours.encode("\ud800" * 20)
    assert Peer().read_frame(ours.encode(TEXT)) == TEXT.encode()


def test_threads_can_share_a_compressor() -> None:
    wrong: list[str] = []

    def work(name: str) -> None:
        ours, peer = deflater(context_takeover=False), Peer(takeover=False)
        for number in range(300):
            message = f"{name} {number} " * 200
            if peer.read_frame(ours.encode(message)) != message.encode():
                wrong.append(message)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=180)
        assert not thread.is_alive()
    assert not wrong


def test_idle_connections_keep_almost_no_memory() -> None:
    deflater(context_takeover=False).encode(TEXT)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        kept: list[object] = [deflater(context_takeover=bool(index % 2)) for index in range(1000)]
        kept += [Inflater(window_bits=15, context_takeover=True, max_size=1 << 20) for _ in range(1000)]
        each = (tracemalloc.get_traced_memory()[0] - before) / 1000
    finally:
        tracemalloc.stop()
    assert each < 500
