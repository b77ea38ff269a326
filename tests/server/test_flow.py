"""Pausing and resuming the reading and writing of a connection."""

from __future__ import annotations

import asyncio
from contextvars import Context, ContextVar, copy_context

from emmett.server.flow import ALL, BODY, QUEUE, TURN, FlowControl
from tests.websockets.memory_transport import MemoryTransport

visitor: ContextVar[str] = ContextVar("visitor", default="nobody")


class Transport(MemoryTransport):
    """Records the context in which reading was resumed. Resuming or pausing twice is an error."""

    seen = ""

    def resume_reading(self) -> None:
        super().resume_reading()
        self.seen = visitor.get()

    def is_reading(self) -> bool:
        return self.reading


def make_flow() -> tuple[FlowControl, Transport]:
    transport = Transport()
    return FlowControl(transport, copy_context()), transport


async def test_reading_is_paused_and_resumed_once() -> None:
    flow, transport = make_flow()
    flow.resume_reading(BODY)
    for _ in range(2):
        flow.pause_reading(BODY)
        flow.pause_reading(BODY)
        assert not transport.is_reading()
        flow.resume_reading(BODY)
        flow.resume_reading(BODY)
        assert transport.is_reading()


async def test_reading_resumes_when_the_last_reason_is_gone() -> None:
    flow, transport = make_flow()
    for reason in (BODY, QUEUE, TURN):
        flow.pause_reading(reason)
    for reason in (QUEUE, BODY):
        flow.resume_reading(reason)
        assert not transport.is_reading()
    assert flow.pauses == TURN
    flow.resume_reading(ALL)
    assert transport.is_reading()
    assert not flow.pauses


async def test_a_closed_transport_is_not_read() -> None:
    flow, transport = make_flow()
    flow.pause_reading(BODY)
    transport.close()
    flow.resume_reading(BODY)
    assert not transport.is_reading()


async def test_reading_resumes_in_the_context_of_the_process() -> None:
    flow, transport = make_flow()
    flow.pause_reading(BODY)

    def ask() -> None:
        visitor.set("ada")
        flow.resume_reading(BODY)

    Context().run(ask)
    assert transport.seen == "nobody"


async def test_all_writers_wait_until_the_peer_has_read() -> None:
    flow, _ = make_flow()
    await flow.drain()
    flow.pause_writing()
    waiting = [asyncio.create_task(flow.drain()) for _ in range(2)]
    await asyncio.sleep(0)
    assert flow.write_paused
    flow.resume_writing()
    await asyncio.gather(*waiting)
    assert not flow.write_paused


async def test_waiting_writers_keep_waiting_if_writing_pauses_again_at_once() -> None:
    flow, _ = make_flow()
    flow.pause_writing()
    waiting = asyncio.create_task(flow.drain())
    await asyncio.sleep(0)
    flow.resume_writing()
    flow.pause_writing()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()
    flow.resume_writing()
    await waiting
