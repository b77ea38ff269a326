"""Publications that are missing or repeated are named, for one subscriber or all."""

from __future__ import annotations

import pytest

from benchmarks.channels import load as module
from benchmarks.channels.load import ChannelLoad
from benchmarks.channels.plan import ChannelPlan
from benchmarks.channels.stream import Member, Stream, publication
from benchmarks.frames import server_frame
from benchmarks.loads.load import Watch
from benchmarks.plan import LoadFailed

PROCESS = 7


def frame(publisher: int, number: int) -> bytes:
    return server_frame(publication(publisher, number, 5, 64))


def ignore(publisher: int) -> None:
    """Publish nothing more."""


@pytest.fixture(autouse=True)
def _wait_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DRAIN_TIMEOUT", 0.0)


def new_load() -> ChannelLoad:
    """Two subscribers on one process; two publishers have published two and one."""
    watch = Watch()
    made = ChannelLoad(ChannelPlan(ports=(1,), room="plain:a", subscribers=2, servers=(1,), publishers=2), watch)
    made.streams[PROCESS] = stream = Stream(2, ignore)
    for _ in range(2):
        member = Member(watch.failed)
        member.stream = stream
        made.members.append(member)
    made._published = [2, 1]
    return made


async def test_a_complete_delivery_passes() -> None:
    load = new_load()
    for member in load.members:
        member.data_received(frame(0, 0) + frame(1, 0) + frame(0, 1))
    await load.finish()
    load.check_whole()


async def test_publications_missing_for_all_subscribers_of_a_process_are_named() -> None:
    load = new_load()
    for member in load.members:
        member.data_received(frame(0, 0) + frame(1, 0))
    with pytest.raises(LoadFailed, match="number 1 of publisher 0 had not come to process 7"):
        await load.finish()


async def test_publications_missing_for_one_subscriber_are_named() -> None:
    load = new_load()
    load.members[0].data_received(frame(0, 0) + frame(1, 0) + frame(0, 1))
    load.members[1].data_received(frame(0, 0) + frame(1, 0))
    with pytest.raises(LoadFailed, match="number 1 of publisher 0 had not come to one of"):
        await load.finish()


async def test_a_repetition_after_the_last_publication_is_noticed() -> None:
    load = new_load()
    for member in load.members:
        member.data_received(frame(0, 0) + frame(1, 0) + frame(0, 1))
    await load.finish()
    load.members[1].data_received(frame(0, 1))
    with pytest.raises(LoadFailed, match="number 1 of publisher 0 came again"):
        load.check_whole()


async def test_half_a_frame_after_the_last_publication_is_noticed() -> None:
    load = new_load()
    for member in load.members:
        member.data_received(frame(0, 0) + frame(1, 0) + frame(0, 1))
    await load.finish()
    load.members[1].data_received(b"\x81")
    with pytest.raises(LoadFailed, match="a subscriber got more"):
        load.check_whole()
