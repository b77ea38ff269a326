from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from emmett.channels import Kind, Namespace, Position, Publication, as_json, data_only
from emmett.channels.closing import Closer
from emmett.channels.encoding import Encode
from emmett.channels.outlet import PORTION, Outlet
from emmett.channels.receiver import Receiver
from emmett.channels.stats import Counters
from emmett.channels.tasks import Tasks
from emmett.rare_log import RareLog
from tests.channels.kit import MemorySink, turns, until


class Bench:
    """An outlet and its sink."""

    def __init__(self, encode: Encode = data_only, **options: object) -> None:
        self.sink = MemorySink()
        self.sink.is_accepted = True
        self.left: list[Receiver] = []
        self.counters = Counters()
        self.namespace = Namespace("room", **{"queue_messages": 3, **options})  # type: ignore[arg-type]
        log = RareLog(logging.getLogger("emmett.channels"))
        self.outlet = Outlet(self.sink, encode, self.counters, self.leave, Closer(Tasks()), log)
        self._offset = 0

    def leave(self, receiver: Receiver) -> None:
        self.left.append(receiver)
        receiver.left()

    def put(self, *data: str) -> None:
        publications = []
        for each in data:
            self._offset += 1
            publications.append(Publication("room:1", each, Kind.MESSAGE, Position("e", self._offset)))
        self.outlet.receive(self.namespace, publications, False)


async def test_batches_go_directly_to_the_sink() -> None:
    bench = Bench()
    assert bench.outlet.take == bench.sink.deliver
    bench.put("a", "b")
    assert [batch.messages for batch in bench.sink.batches] == [["a", "b"]]


async def test_while_the_sink_takes_none_batches_wait_in_order() -> None:
    bench = Bench()
    bench.sink.is_stalled = True
    bench.put("a")
    # The sink would take this batch, but not before the waiting one.
    bench.sink.is_stalled = False
    bench.put("b", "c")
    assert bench.sink.messages == []
    bench.sink.resume()
    await until(lambda: bench.sink.messages == ["a", "b", "c"])
    bench.put("d")
    assert bench.sink.messages == ["a", "b", "c", "d"]


async def test_the_sink_may_stall_again_before_everything_is_delivered() -> None:
    bench = Bench()
    bench.sink.is_stalled = True
    bench.put("a" * PORTION, "b")
    bench.sink.resume()
    bench.sink.is_stalled = True
    await turns()
    assert bench.sink.messages == []
    bench.sink.resume()
    await until(lambda: len(bench.sink.messages) == 2)
    assert len(bench.sink.batches) == 2


@pytest.mark.parametrize("limit", [{"queue_messages": 3}, {"queue_messages": 100, "queue_bytes": 3}])
async def test_a_socket_that_is_too_slow_is_closed_with_1013(
    limit: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(**limit)
    bench.sink.is_stalled = True
    bench.put("a", "b", "c")
    assert bench.left == []
    bench.put("d")
    assert bench.left == [bench.outlet]
    await until(lambda: bench.sink.closed == (1013, "try again later"))
    bench.sink.resume()
    await turns()
    assert bench.sink.messages == []
    assert bench.counters.disconnected == 1
    assert "did not keep up" in caplog.text


async def test_drop_oldest_and_latest_keep_the_socket_and_report_gaps_where_possible() -> None:
    for slow in ("drop_oldest", "latest"):
        bench = Bench(as_json, slow=slow)
        bench.sink.is_stalled = True
        for data in "abcdef":
            bench.put(data)
        bench.sink.resume()
        await until(lambda bench=bench: bench.sink.messages)  # type: ignore[misc]
        told = [json.loads(message) for message in bench.sink.messages]
        assert told[0]["type"] == "gap"
        assert told[-1]["data"] == "f"
        assert bench.outlet.dropped == bench.counters.dropped == 7 - len(told)
        assert bench.sink.closed is None


async def test_a_gap_that_cannot_be_expressed_closes_after_earlier_publications() -> None:
    bench = Bench()
    gap = Publication("room:1", "", Kind.GAP)
    bench.outlet.receive(bench.namespace, [Publication("room:1", "a"), gap, Publication("room:1", "b")], False)
    assert bench.sink.messages == ["a"]
    await until(lambda: bench.sink.closed == (1013, "publications were missed"))
    assert bench.left == [bench.outlet]


async def test_a_closed_socket_is_dropped_and_a_failing_one_is_closed(caplog: pytest.LogCaptureFixture) -> None:
    gone = Bench()
    gone.sink.closed = (1001, "")
    gone.put("a")
    assert (gone.left, gone.sink.closed) == ([gone.outlet], (1001, ""))
    assert caplog.records == []
    broken = Bench()
    broken.sink.error = ValueError("what a sink")
    broken.put("a")
    await until(lambda: broken.sink.closed == (1011, ""))
    assert "what a sink" in caplog.text


async def test_a_socket_may_close_while_publications_wait() -> None:
    bench = Bench()
    bench.sink.is_stalled = True
    bench.put("a")
    bench.sink.closed = (1006, "")
    bench.sink.resume()
    await until(lambda: bench.left)
    assert bench.left == [bench.outlet]


async def test_finish_leaves_the_socket_to_the_application() -> None:
    bench = Bench()
    bench.outlet.finish()
    await asyncio.sleep(0)
    assert bench.sink.closed is None
