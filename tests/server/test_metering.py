"""Counting the bytes of a websocket."""

from __future__ import annotations

import asyncio
import inspect

from emmett.server.metering import MeteredTransport
from tests.websockets.memory_transport import MemoryTransport


async def test_written_bytes_are_counted_and_passed_on() -> None:
    inner = MemoryTransport()
    metered = MeteredTransport(inner)
    metered.write(b"abc")
    metered.writelines([b"de", b"f"])
    assert metered.bytes_sent == 6
    assert inner.written == b"abcdef"


async def test_everything_else_is_passed_on() -> None:
    inner = MemoryTransport()
    metered = MeteredTransport(inner)
    metered.pause_reading()
    assert not inner.reading
    metered.resume_reading()
    assert inner.reading
    metered.set_write_buffer_limits(5)
    assert inner.high_water == 5
    assert metered.can_write_eof()
    metered.write_eof()
    assert inner.ended
    metered.close()
    assert metered.is_closing()
    metered.abort()
    assert inner.aborted
    assert metered.get_extra_info("nothing", 7) == 7


def test_every_method_of_a_transport_is_passed_on() -> None:
    """A missing method would be that of the base class, which raises."""
    methods = {
        name
        for base in inspect.getmro(asyncio.Transport)
        for name in vars(base)
        if not name.startswith("_") and callable(getattr(base, name))
    }
    assert methods - set(vars(MeteredTransport)) == set()
