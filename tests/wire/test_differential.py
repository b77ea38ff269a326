"""Thousands of random streams, valid and broken: our reader, websockets and wsproto must give the same results.

Where they do not, exactly one of these differences must explain it:

| other | what it does | what ours does, and why |
| --- | --- | --- |
| websockets | takes lengths that are not in their shortest form | 1002: RFC 6455, 5.2, wants the shortest |
| websockets | looks at the size before all else: 1009 | 1002 for a frame that no size could make right |
| websockets | 1002 for a Close inside a message in fragments | closes: 5.4 lets control frames come between fragments |
| websockets | counts a control frame between fragments as one: 1009 | does not: it is no part of the message |
| websockets | looks at the reason in a Close before its code: 1007 | 1002 when both are wrong |
| wsproto | knows no limit of size | 1009 from the header alone |
| wsproto | 1002 for close code 1014 | takes it: it is in the registry of IANA, as 7.4 wants |
| wsproto | decodes text before its frame is whole: 1007 at once | 1007 once it is whole, which has a deadline |
| both | wait for the rest of a frame that is wrong from its first byte | fails it there: nothing is awaited in vain |

websockets decodes no text in this layer, so `other_readers` does it as its connections do. Neither knows a limit on the
number of fragments; ours has none here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pytest

from emmett.wire.close import may_be_sent
from tests.wire.frame_maker import CLOSE, CONTINUATION, client_frame, close_payload
from tests.wire.other_readers import (
    CLOSED,
    FAILED,
    MAX_SIZE,
    OPEN,
    OurVerdict,
    Verdict,
    read_ours,
    read_websockets,
    read_wsproto,
)
from tests.wire.stream_maker import Header, cut_randomly, make_stream, payload_of, walk

STREAMS = 10_000

Read = Callable[[Sequence[bytes]], Verdict]


class Case(NamedTuple):
    """A stream that two readers interpret differently."""

    stream: bytes
    ours: Verdict
    other: Verdict
    # The frame at which our reader stopped; None if its header is incomplete.
    frame: Header | None
    start: int
    read: Read

    @property
    def same_until_then(self) -> bool:
        return self.ours[:2] == self.other[:2]


def looks_at_the_size_first(case: Case) -> bool:
    """The frame is over the limit, and invalid in another way."""
    frame = case.frame
    return (
        case.same_until_then
        and (case.ours.end, case.ours.code, case.other.end, case.other.code) == (FAILED, 1002, FAILED, 1009)
        and frame is not None
        and (frame.open_size or 0) + frame.length > MAX_SIZE
    )


def fails_close_inside_a_message(case: Case) -> bool:
    close = next((frame for frame in walk(case.stream) if frame.opcode == CLOSE), None)
    return (
        case.same_until_then
        and case.ours.end == CLOSED
        and case.other[2:4] == (FAILED, 1002)
        and close is not None
        and close.open_size is not None
    )


def counts_control_frames(case: Case) -> bool:
    frames = walk(case.stream)
    over = next((frame for frame in frames if (frame.open_size or 0) + frame.length > MAX_SIZE), None)
    return (
        case.other[2:4] == (FAILED, 1009)
        and over is not None
        and over.opcode >= CLOSE
        and over.length <= 125
        and case.ours.messages[: len(case.other.messages)] == case.other.messages
        and case.ours.controls[: len(case.other.controls)] == case.other.controls
    )


def reads_the_reason_before_the_code(case: Case) -> bool:
    if case.frame is None or case.frame.opcode != CLOSE or not case.same_until_then:
        return False
    payload = payload_of(case.stream, case.frame)
    return (
        (case.ours.end, case.ours.code, case.other.end, case.other.code) == (FAILED, 1002, FAILED, 1007)
        and not may_be_sent(int.from_bytes(payload[:2], "big"))
        and "\ufffd" in payload[2:].decode("utf-8", "replace")
    )


def knows_no_limit(case: Case) -> bool:
    frame = case.frame
    return (
        case.ours[2:4] == (FAILED, 1009)
        and frame is not None
        and frame.opcode < CLOSE
        and (frame.open_size or 0) + frame.length > MAX_SIZE
        and case.other.messages[: len(case.ours.messages)] == case.ours.messages
        and case.other.controls[: len(case.ours.controls)] == case.ours.controls
    )


def refuses_1014(case: Case) -> bool:
    close = next((frame for frame in walk(case.stream) if frame.opcode == CLOSE), None)
    return (
        case.same_until_then
        # Its reason may be invalid as well.
        and case.ours[2:4] in ((CLOSED, 1014), (FAILED, 1007))
        and case.other[2:4] == (FAILED, 1002)
        and close is not None
        and payload_of(case.stream, close)[:2] == close_payload(1014)
    )


def decodes_before_the_frame_is_whole(case: Case) -> bool:
    if not case.same_until_then or case.ours.end != OPEN or case.other[2:4] != (FAILED, 1007):
        return False
    whole = read_ours([completed(case)])
    return whole.verdict == case.other and whole.parsed == case.start


def waits_for_the_frame(case: Case) -> bool:
    if not case.same_until_then or case.ours.end != FAILED or case.other.end != OPEN:
        return False
    return case.read([completed(case)]) == case.ours


def completed(case: Case) -> bytes:
    """Return the stream with the frame at which ours stopped completed; with an empty one if its header is cut."""
    if case.frame is not None:
        # A frame that is far longer need not be complete to be recognised as invalid.
        return case.stream.ljust(min(case.frame.stop, case.frame.payload + MAX_SIZE), b"\x00")
    rest = case.stream[case.start :]
    masked = len(rest) < 2 or rest[1] >= 0x80
    too_long = len(rest) > 1 and rest[0] & 0x0F >= CLOSE and rest[1] & 0x7F > 125
    frame = client_frame(CONTINUATION, bytes(126 if too_long else 0), mask=bytes(4) if masked else None)
    return case.stream[: case.start] + rest[:1] + frame[1:]


TAKES_LONGER_LENGTHS = "takes longer lengths"
DIFFERENCES: dict[str, tuple[Read, list[Callable[[Case], bool]]]] = {
    "websockets": (
        read_websockets,
        [
            looks_at_the_size_first,
            fails_close_inside_a_message,
            counts_control_frames,
            reads_the_reason_before_the_code,
            waits_for_the_frame,
        ],
    ),
    "wsproto": (
        read_wsproto,
        [knows_no_limit, refuses_1014, decodes_before_the_frame_is_whole, waits_for_the_frame],
    ),
}


def compare(name: str, stream: bytes, seed: int) -> list[str]:
    """Return the differences that explain the results of two readers; none if the results are the same.

    Raises:
        AssertionError: nothing explains it.
    """
    read, differences = DIFFERENCES[name]
    other = read(cut_randomly(stream, seed))
    ours = read_ours(cut_randomly(stream, ~seed))
    found = []
    while ours.verdict != other:
        frame = next((frame for frame in walk(stream) if frame.start == ours.parsed), None)
        if name == "websockets" and _is_longer(ours, frame):
            # The result must be as if the frame had its length in the shortest form.
            assert frame is not None
            stream = _shortened(stream, frame)
            ours = read_ours([stream])
            found.append(TAKES_LONGER_LENGTHS)
            continue
        case = Case(stream, ours.verdict, other, frame, ours.parsed, read)
        reason = next((difference.__name__ for difference in differences if difference(case)), None)
        assert reason is not None, (
            f"seed {seed}: ours {ours.verdict[2:]} at {ours.parsed}, {name} {other[2:]}, in {stream.hex()}"
        )
        return [*found, reason]
    return found


def _is_longer(ours: OurVerdict, frame: Header | None) -> bool:
    if ours.verdict[2:4] != (FAILED, 1002) or frame is None or frame.shortest:
        return False
    return frame.masked and frame.length <= MAX_SIZE


def _shortened(stream: bytes, frame: Header) -> bytes:
    shortest = bytes((0x80 | frame.length,)) if frame.length < 126 else b"\xfe" + frame.length.to_bytes(2, "big")
    return stream[: frame.start + 1] + shortest + stream[frame.payload - 4 :]


@pytest.mark.parametrize("name", DIFFERENCES)
def test_random_streams_have_the_same_results(name: str) -> None:
    found: Counter[str] = Counter()
    for seed in range(STREAMS):
        found.update(compare(name, make_stream(seed), seed) or ["the same"])
    assert found["the same"] > STREAMS * 0.7, found
    # Each difference must occur: one that no longer does must leave the table above.
    expected = {difference.__name__ for difference in DIFFERENCES[name][1]} | {"the same"}
    if name == "websockets":
        expected.add(TAKES_LONGER_LENGTHS)
    assert set(found) == expected, found


def test_the_streams_end_in_all_ways() -> None:
    ends = Counter(read_ours([make_stream(seed)]).verdict[2:4] for seed in range(2000))
    for end in ((OPEN, 0), (CLOSED, 1000), (CLOSED, 1005), (FAILED, 1002), (FAILED, 1007), (FAILED, 1009)):
        assert ends[end] >= 30, ends
