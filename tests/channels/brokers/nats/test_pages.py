from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from emmett.channels.brokers.nats.format import At, pack
from emmett.channels.brokers.nats.jetstream import Stored
from emmett.channels.brokers.nats.pages import NEAR, Run, is_enough, seek, select
from emmett.channels.brokers.port import Limits
from emmett.channels.publication import Position

LIMITS = Limits(1000, 600.0)


def make_run(sizes: list[int], step: int = 1, epoch: str = "e") -> Run:
    """Return messages with the given numbers of publications, whose payloads are their offsets."""
    run, offset = Run(), 1
    for number, size in enumerate(sizes, 1):
        data = pack([b"%d" % each for each in range(offset, offset + size)]) if size else b""
        at = At(epoch, offset if size else offset - 1, size, 600_000, 10**6)
        run.append((at, Stored("s", number * step, 0.0, b"", data)))
        offset += size
    return run


SIZES = st.lists(st.integers(0, 5), min_size=1, max_size=30).filter(lambda sizes: sizes[0] > 0)


@given(SIZES, st.integers(0, 80), st.none() | st.integers(1, 20), st.none() | st.integers(1, 30), st.integers(1, 100))
def test_a_part_of_the_messages_gives_the_same_result_as_all(
    sizes: list[int], since: int, limit: int | None, max_bytes: int | None, kept: int
) -> None:
    run, limits = make_run(sizes), Limits(kept, 600.0)
    top = run[-1][0].top
    since = min(since, top)
    whole = select(run, top, Position("e", since), limit, limits, max_bytes, 1.0)
    expected = [b"%d" % offset for offset in range(max(since, top - kept) + 1, top + 1)][:limit]
    if max_bytes is None:
        assert [entry.payload for entry in whole.entries] == expected
    assert whole.complete == (since >= top - kept)
    if not whole.complete:
        return
    begin = next((number for number, (at, _) in enumerate(run) if at.top > since), len(run) - 1)
    part = run[begin : begin + 1]
    for message in run[begin + 1 :]:
        if is_enough(part, since, limit, max_bytes):
            break
        part.append(message)
    assert select(part, top, Position("e", since), limit, limits, max_bytes, 1.0) == whole


def test_expired_entries_and_another_epoch_are_reported() -> None:
    run = make_run([1, 1, 1])
    assert not select(run, 3, Position("f", 1), None, LIMITS, None, 1.0).complete
    assert not select(run, 3, Position("e", 1), None, Limits(10, 0.5), None, 1.0).complete
    assert select(run, 3, Position("e", 3), None, Limits(10, 0.5), None, 1.0).complete
    assert [each.payload for each in select(run, 3, None, 2, LIMITS, None, 1.0).entries] == [b"2", b"3"]


@given(SIZES, st.integers(1, 1000), st.data())
async def test_a_publication_is_found_with_few_probes(sizes: list[int], step: int, data: st.DataObject) -> None:
    run = make_run(sizes * 20, step)
    target = data.draw(st.integers(1, run[-1][0].top))
    probes = 0

    async def probe(sequence: int) -> tuple[At, Stored] | None:
        nonlocal probes
        probes += 1
        return next((each for each in run if each[1].sequence >= sequence), None)

    newest = run[-1][1].sequence
    begin = await seek(probe, Position("e", target), newest)
    first = next(at for at, stored in run if stored.sequence >= begin)
    assert first.offset <= target
    assert begin == 1 or target - first.offset <= NEAR + 64
    assert probes <= math.log2(newest) + 1


async def test_if_probes_fail_reading_starts_at_the_beginning() -> None:
    async def probe(sequence: int) -> tuple[At, Stored] | None:
        return None

    assert await seek(probe, Position("e", 5), 100) == 1


async def test_messages_of_an_earlier_epoch_are_skipped() -> None:
    old, new = make_run([1] * 100, epoch="d"), make_run([1] * 100)
    run = old + [(at, stored._replace(sequence=100 + stored.sequence)) for at, stored in new]

    async def probe(sequence: int) -> tuple[At, Stored] | None:
        return run[sequence - 1]

    begin = await seek(probe, Position("e", 50), 200)
    assert 150 - NEAR - 1 <= begin <= 150
