"""The native engine writes large messages from where they are: no bytes of theirs are copied into a frame."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from emmett.engine.python import encode_message
from tests.engine.engines import engine, needs_native
from tests.websockets.memory_transport import MemoryTransport

SIZE = 65_536


class PiecewiseTransport(MemoryTransport):
    """A transport that keeps the pieces of each write."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[list[bytes | bytearray | memoryview]] = []

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.pieces.append(list(list_of_data))


async def write(message: object) -> list[bytes | bytearray | memoryview]:
    """Write a message, and return the pieces of its frame."""
    transport = PiecewiseTransport()
    engine("native").BaseOutbox(asyncio.get_running_loop(), transport, SIZE).write(message, False)
    assert not transport.writes
    (pieces,) = transport.pieces
    return pieces


@needs_native
async def test_bytes_are_passed_on_as_they_are() -> None:
    message = b"x" * SIZE
    header, payload = await write(message)
    assert payload is message
    assert b"".join((header, message)) == encode_message(message)


@needs_native
async def test_the_bytes_of_a_text_outlive_their_message() -> None:
    frame = encode_message("x" * SIZE)
    header, payload = await write("x" * SIZE)
    assert isinstance(payload, memoryview)
    assert (payload.readonly, payload.nbytes, payload.format) == (True, SIZE, "B")
    assert b"".join((header, payload)) == frame
    with pytest.raises(TypeError, match="cannot create"):
        type(payload.obj)()


@needs_native
@pytest.mark.parametrize("message", ["é" * SIZE, bytearray(SIZE)], ids=["text", "bytearray"])
async def test_what_has_to_be_copied_is_copied_once(message: str | bytearray) -> None:
    header, payload = await write(message)
    assert type(payload) is bytes
    assert b"".join((header, payload)) == encode_message(message)
