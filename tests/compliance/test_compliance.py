"""All conformance cases on the default server, and the referee, which must detect faults."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compliance.case import Exchange, Handshake, Section, codes, cut, request
from compliance.catalogue import SECTIONS
from compliance.play import play_all, referee
from compliance.report import Result, as_json, describe_failures, make_table
from emmett.server.websocket_reading import Reading
from tests.wire.frame_maker import PING, TEXT, client_frame


@pytest.mark.loops("asyncio", "uvloop")
@pytest.mark.deadline(300)
async def test_all_sections_pass() -> None:
    async with referee() as judge:
        results = [Result(section, await play_all(judge, section.cases)) for section in SECTIONS]
    assert sum(result.passed for result in results) > 1000
    assert not any(result.failures for result in results), "\n".join(describe_failures(results))


def test_the_names_of_the_cases_of_a_section_are_unique() -> None:
    for section in SECTIONS:
        names = [case.name for case in section.cases]
        assert len(names) == len(set(names)), section.title


HELLO = client_frame(TEXT, b"hello")
GOOD = Exchange("good", (HELLO,), ("hello",))
WRONG: dict[str, Handshake | Exchange] = {
    "another message": replace(GOOD, messages=("hullo",)),
    "a message too many in the stream": replace(GOOD, pieces=(HELLO * 2,)),
    "a Pong too many": replace(GOOD, pieces=(client_frame(PING) + HELLO,)),
    "it stays open, which it must not": replace(GOOD, pieces=(client_frame(TEXT, rsv=1),)),
    "another code": replace(GOOD, pieces=(client_frame(TEXT, rsv=1),), messages=(), close=codes(1007)),
    "another reason": replace(GOOD, close=codes(1000), path="/close/1000", reason="unasked"),
    "an extension that is not there": replace(GOOD, offer="x-nobody-knows", agreed="x-nobody-knows"),
    "other parameters": replace(GOOD, path="/deflate", offer="permessage-deflate", agreed="permessage-deflate; a"),
    "no extension": replace(GOOD, path="/deflate", offer="permessage-deflate"),
    "another status": Handshake("", (request(),), codes(400)),
    "a good status for a bad request": Handshake("", (request({b"Upgrade": None}),), codes(101)),
    "a field that is not there": Handshake("", (request(),), codes(101), {"x-field": "value"}),
    "a field that must not be there": Handshake("", (request(),), codes(101), {"upgrade": None}),
}


@pytest.mark.parametrize("name", WRONG)
async def test_the_referee_detects_faults(name: str) -> None:
    async with referee() as judge:
        assert await judge.play(GOOD) is None
        assert await judge.play(WRONG[name]) is not None


@pytest.mark.loops("asyncio", "uvloop")
async def test_pieces_are_read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[bytes] = []
    read = Reading.take

    def spy(self: Reading, data: bytes) -> None:
        reads.append(bytes(data))
        read(self, data)

    monkeypatch.setattr(Reading, "take", spy)
    pieces = cut(client_frame(TEXT, b"x" * 200), 1)
    async with referee() as judge:
        assert await judge.play(Exchange("", pieces, ("x" * 200,))) is None
    assert reads[: len(pieces)] == pieces


def test_the_report_counts_and_names() -> None:
    section = Section("1.2", "three cases", [replace(GOOD, name=name) for name in ("one", "two", "three")])
    result = Result(section, [None, "it was wrong", None])
    assert result.passed == 2
    assert make_table([result]).row_count == 2
    assert describe_failures([result]) == ["1.2: two: it was wrong"]
    assert as_json([result]) == {
        "sections": [
            {
                "section": "1.2",
                "title": "three cases",
                "cases": 3,
                "passed": 2,
                "failures": [{"case": "two", "fault": "it was wrong"}],
            }
        ]
    }
