"""The connection in memory: what each end sees, and the effect of faults."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.errors import UsageError
from emmett.testing import Faults, MemoryConnection
from tests.testing.recording import Recording, connected, settled

pytestmark = pytest.mark.loops("asyncio", "uvloop")


async def test_bytes_of_the_client_are_delivered_by_the_loop() -> None:
    protocol, _, client = connected()
    client.write(b"one")
    client.write(bytearray(b"two"))
    assert (protocol.told, client.unread) == ([], 6)
    await settled()
    assert (protocol.told, client.unread) == ([b"onetwo"], 0)


async def test_bytes_of_the_server_are_read_in_order() -> None:
    _, transport, client = connected()
    transport.write(b"one")
    transport.write(b"")
    transport.write(memoryview(b"two"))
    assert await client.read(4) == b"onet"
    assert await client.read() == b"wo"
    reading = asyncio.ensure_future(client.read())
    await settled()
    assert not reading.done()
    transport.write(b"three")
    assert await reading == b"three"


async def test_a_server_may_pause_reading() -> None:
    protocol, transport, client = connected()
    transport.pause_reading()
    assert not transport.is_reading()
    client.write(b"waits")
    draining = asyncio.ensure_future(client.drain())
    await settled()
    assert (protocol.told, client.unread, draining.done()) == ([], 5, False)
    transport.resume_reading()
    await draining
    assert protocol.told == [b"waits"]


async def test_a_client_may_not_read() -> None:
    protocol, transport, client = connected(Faults(window=10))
    transport.set_write_buffer_limits(high=20, low=5)
    assert transport.get_write_buffer_limits() == (5, 20)
    transport.write(b"x" * 30)
    assert (transport.get_write_buffer_size(), protocol.told) == (20, [])
    transport.write(b"y")
    assert protocol.told == ["pause"]
    for size in (21, 11):
        assert transport.get_write_buffer_size() == size
        assert len(await client.read()) == 10
        await settled()
    assert protocol.told == ["pause", "resume"]
    assert await client.read() + await client.read() == b"x" * 10 + b"y"


async def test_a_client_can_be_paused() -> None:
    _, transport, client = connected()
    client.pause()
    transport.write(b"later")
    reading = asyncio.ensure_future(client.read())
    await settled()
    assert not reading.done()
    client.resume()
    assert await reading == b"later"


async def test_a_client_can_be_paused_while_it_waits() -> None:
    _, transport, client = connected()
    reading = asyncio.ensure_future(client.read())
    await settled()
    client.pause()
    transport.write(b"later")
    await settled()
    assert not reading.done()
    client.close()
    assert await reading == b""


async def test_only_one_task_reads() -> None:
    _, transport, client = connected()
    reading = asyncio.ensure_future(client.read())
    await settled()
    with pytest.raises(UsageError, match="another task reads"):
        await client.read()
    transport.write(b"for the first")
    assert await reading == b"for the first"


async def test_a_cancelled_read_loses_nothing() -> None:
    _, transport, client = connected()
    reading = asyncio.ensure_future(client.read())
    await settled()
    transport.write(b"kept")
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await client.read() == b"kept"


async def test_the_write_buffer_has_limits() -> None:
    _, transport, _ = connected()
    for arguments, limits in (({"low": 10}, (10, 40)), ({"high": 10}, (2, 10)), ({}, (16384, 65536))):
        transport.set_write_buffer_limits(**arguments)
        assert transport.get_write_buffer_limits() == limits
    with pytest.raises(ValueError, match=r"high \(1\) must be >= low \(2\)"):
        transport.set_write_buffer_limits(high=1, low=2)


async def test_a_lower_limit_applies_at_once() -> None:
    protocol, transport, _ = connected(Faults(window=1))
    transport.write(b"x" * 11)
    assert protocol.told == []
    transport.set_write_buffer_limits(high=9)
    assert protocol.told == ["pause"]


async def test_only_bytes_can_be_written() -> None:
    _, transport, _ = connected()
    with pytest.raises(TypeError, match="not str"):
        transport.write("text")  # type: ignore[arg-type]


async def test_the_server_can_close() -> None:
    """Earlier writes are still sent; later data of the client is not read."""
    protocol, transport, client = connected(Faults(window=4))
    transport.write(b"goodbye")
    transport.close()
    transport.close()
    transport.write(b"too late")
    client.write(b"unheard")
    await settled()
    assert transport.is_closing()
    assert (protocol.told, client.closed) == ([], False)
    assert await client.read() == b"good"
    await settled()
    assert await client.read() == b"bye"
    assert await client.read() == b""
    await settled()
    assert (protocol.told, client.closed) == ([("lost", None)], True)


async def test_the_server_can_drop_the_connection() -> None:
    protocol, transport, client = connected()
    transport.write(b"lost on the way")
    reading = asyncio.ensure_future(client.read())
    transport.abort()
    await settled()
    assert protocol.told == [("lost", None)]
    with pytest.raises(ConnectionResetError):
        await reading
    with pytest.raises(ConnectionResetError):
        await client.read()
    client.write(b"into the void")
    await client.drain()
    assert client.closed


async def test_the_client_can_close() -> None:
    protocol, transport, client = connected()
    client.write(b"goodbye")
    client.close()
    client.close()
    client.write(b"too late")
    await settled()
    assert protocol.told == [b"goodbye", "eof", ("lost", None)]
    assert transport.is_closing()
    assert await client.read() == b""


async def test_a_write_to_a_client_that_has_left_is_reported() -> None:
    protocol, transport, client = connected(half_open=True)
    client.close()
    await settled()
    assert protocol.told == ["eof"]
    transport.write(b"anybody?")
    await settled()
    (_, (word, error)) = protocol.told
    assert (word, type(error)) == ("lost", BrokenPipeError)


async def test_the_client_can_end_its_half() -> None:
    protocol, transport, client = connected(half_open=True)
    client.write(b"question")
    client.write_eof()
    await settled()
    transport.write(b"answer")
    transport.write_eof()
    with pytest.raises(RuntimeError, match="write_eof"):
        transport.write(b"nothing more")
    assert await client.read() == b"answer"
    assert await client.read() == b""
    assert (protocol.told, transport.is_closing()) == ([b"question", "eof"], False)
    transport.close()
    await settled()
    assert protocol.told[-1] == ("lost", None)


async def test_over_tls_there_is_no_half_close() -> None:
    _, transport, _ = connected(sslcontext=True)
    assert not transport.can_write_eof()
    assert transport.get_extra_info("sslcontext") is True
    with pytest.raises(NotImplementedError):
        transport.write_eof()


async def test_over_tls_a_client_that_ends_its_half_has_left() -> None:
    protocol, _, client = connected(half_open=True, sslcontext=True)
    client.write_eof()
    await settled()
    assert protocol.told == ["eof", ("lost", None)]


@pytest.mark.parametrize("leave", [MemoryConnection.close, MemoryConnection.write_eof])
async def test_a_client_may_leave_while_the_server_does_not_read(leave: Callable[[MemoryConnection], None]) -> None:
    protocol, transport, client = connected()
    transport.pause_reading()
    client.write(b"unread")
    assert not transport.get_extra_info("hung_up")
    leave(client)
    await settled()
    assert (protocol.told, transport.get_extra_info("hung_up")) == ([], True)


async def test_a_failing_protocol_loses_its_connection() -> None:
    problems: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context["exception"]))
    error = LookupError("a fault of the protocol")

    class Failing(Recording):
        def data_received(self, data: bytes) -> None:
            raise error

    _, transport, client = connected()
    protocol = Failing()
    transport.set_protocol(protocol)
    transport.write(b"before")
    client.write(b"now")
    await settled()
    assert (problems, protocol.told) == ([error], [("lost", error)])
    assert await client.read() + await client.read() == b"before"


async def test_the_client_can_reset_the_connection() -> None:
    protocol, transport, client = connected()
    client.write(b"lost")
    transport.write(b"lost too")
    error = ConnectionResetError("by peer")
    client.reset(error)
    await settled()
    assert protocol.told == [("lost", error)]
    with pytest.raises(ConnectionResetError):
        await client.read()


@pytest.mark.parametrize("at", range(7))
async def test_a_break_comes_at_its_byte(at: int) -> None:
    error = TimeoutError("the line is dead")
    protocol, _, client = connected(Faults(break_after=at, error=error, piece=2))
    client.write(b"abc")
    await settled()
    client.write(b"def")
    await settled()
    assert protocol.data == b"abcdef"[:at]
    assert protocol.told[-1] == ("lost", error)
    with pytest.raises(ConnectionResetError):
        await client.read()


async def test_the_protocol_can_change_while_data_waits() -> None:
    first, transport, client = connected()
    second = Recording()
    assert transport.get_protocol() is first
    client.write(b"for the second")
    transport.set_protocol(second)
    client.close()
    await settled()
    assert first.told == []
    assert second.told == [b"for the second", "eof", ("lost", None)]


@given(st.lists(st.binary(max_size=20), max_size=10), st.integers(1, 9), st.integers(0, 5), st.integers(1, 30))
async def test_the_data_does_not_depend_on_the_pieces(writes: list[bytes], piece: int, seed: int, window: int) -> None:
    protocol, transport, client = connected(Faults(piece=piece, seed=seed, window=window))
    for data in writes:
        client.write(data)
        transport.write(data)
    await client.drain()
    transport.close()
    received = b""
    while data := await client.read():
        assert len(data) <= piece
        received += data
    await settled()
    assert received == protocol.data == b"".join(writes)
    assert protocol.told[-1] == ("lost", None)


async def test_an_ended_connection_is_freed() -> None:
    gc.disable()
    try:
        protocol, transport, client = connected()
        client.write(b"hello")
        await settled()
        client.close()
        await settled()
        references = [weakref.ref(each) for each in (protocol, transport, client)]
        del protocol, transport, client
        await settled()
        assert [reference() for reference in references] == [None, None, None]
    finally:
        gc.enable()
