"""Messages in one large frame that arrive in several reads, on each engine."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from tests.engine.engines import HAS_NATIVE, reader_class
from tests.wire.frame_maker import BINARY, TEXT, client_frame
from tests.wire.owner import Owner

ENGINES = ("python", "native") if HAS_NATIVE else ("python",)


@pytest.fixture(params=ENGINES)
def make_reader(request: pytest.FixtureRequest) -> Any:
    reader = reader_class(request.param)

    def make(messages: list[str | bytes], **limits: int) -> Any:
        defaults = {"max_message_size": 1 << 40, "max_fragments": 8, "max_messages": 8, "max_bytes": 1 << 40}
        return reader(messages, Owner(), **defaults | limits)

    return make


@pytest.mark.parametrize("size", [1, 7, 1023, 1024, 4096, 65_535, 65_536, 300_000])
@pytest.mark.parametrize("text", ["a", "é", "☃", "👋"])
@pytest.mark.parametrize("piece", [1000, 1023, 65_536])
def test_a_text_is_complete_however_it_is_cut(make_reader: Any, size: int, text: str, piece: int) -> None:
    # The non-ASCII characters come last, so that all but the end looks like ASCII.
    content = "a" * size + text
    stream = client_frame(TEXT, content.encode()) + client_frame(BINARY, b"next")
    messages: list[str | bytes] = []
    reader = make_reader(messages)
    for start in range(0, len(stream), piece):
        assert not reader.feed(stream[start : start + piece])
    assert messages == [content, b"next"]
    assert (reader.unparsed, reader.in_frame, reader.parsed) == (0, False, len(stream))


def test_a_character_is_found_wherever_it_is(make_reader: Any) -> None:
    texts = ["a" * place + "é" + "a" * (1120 - place) for place in range(1121)]
    messages: list[str | bytes] = []
    reader = make_reader(messages, max_messages=len(texts))
    for text in texts:
        reader.feed(client_frame(TEXT, text.encode()))
        # Each is all that a turn may bring.
        reader.begin_turn()
    assert messages == texts


def test_memory_grows_with_the_received_bytes_and_not_with_the_announced_length(make_reader: Any) -> None:
    reader = make_reader([])
    header = b"\x81\xff" + (1 << 36).to_bytes(8, "big") + bytes(4)
    payload = b"a" * 1000
    tracemalloc.start()
    try:
        reader.feed(header)
        reader.feed(payload)
        few = tracemalloc.get_traced_memory()[1]
        for _ in range(199):
            reader.feed(payload)
        many = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert reader.unparsed == reader.held == 200_014
    assert few < 10_000
    # Twice the size, and the size again while the buffer is moved.
    assert many < 3 * 262_144


def test_a_partial_message_is_freed_after_an_error(make_reader: Any) -> None:
    reader = make_reader([])
    assert not reader.feed(client_frame(TEXT, b"a" * 5000)[:3000])
    assert reader.in_frame
    reader.finish()
    assert reader.unparsed == 0
    assert reader.feed(b"more") is False


def test_growth_is_reported_in_steps(make_reader: Any) -> None:
    reader = make_reader([])
    announced: list[int] = []

    class Announcing(Owner):
        def on_growth(self) -> None:
            announced.append(reader.held)

    reader.step = 2000
    reader.owner = Announcing()
    stream = client_frame(TEXT, b"a" * 9000)
    for start in range(0, len(stream), 1000):
        reader.feed(stream[start : start + 1000])
    assert announced == [2000, 4000, 6000, 8000]


@pytest.mark.parametrize("payload", [b"a" * 3000 + b"\xff", b"\xff" + b"a" * 3000, b"a" * 3000 + b"\xe2\x98"])
def test_invalid_utf_8_ends_the_connection_once_the_frame_is_whole(make_reader: Any, payload: bytes) -> None:
    from emmett.errors import FrameError

    messages: list[str | bytes] = []
    reader = make_reader(messages)
    stream = client_frame(TEXT, b"first") + client_frame(TEXT, payload)
    assert not reader.feed(stream[:2000])
    with pytest.raises(FrameError) as caught:
        reader.feed(stream[2000:])
    assert caught.value.code == 1007
    assert messages == ["first"]
    assert reader.finished
    assert reader.parsed == len(client_frame(TEXT, b"first"))


def test_a_reader_survives_callbacks_that_feed_it(make_reader: Any) -> None:
    class Reentrant(list[Any]):
        def append(self, message: Any) -> None:
            super().append(message)
            if len(self) < 3:
                reader.feed(client_frame(TEXT, b"b" * 2000)[:1500])

    messages = Reentrant()
    reader = make_reader(messages)
    reader.feed(client_frame(TEXT, b"a") + client_frame(TEXT, b"c" * 3000)[:2000])
    reader.finish()
    assert messages[0] == "a"
