from __future__ import annotations

from rich.console import Console

from benchmarks.report import Failure, Spread, Summary
from benchmarks.tables import (
    describe_failures,
    disturbance_notes,
    format_ratio,
    format_spread,
    generator_notes,
    scenario_table,
)

TITLES = {"raw": "raw TCP", "ours": "emmett", "peer": "Peer"}


def summary(
    contestant: str,
    rate: float,
    *,
    server: float | None = 1.0,
    generator: float = 0.5,
    ratio: Spread | None = None,
) -> Summary:
    cpu = None if server is None else Spread(server / rate, server / rate, server / rate)
    return Summary("echo", contestant, 3, Spread(rate, rate * 0.9, rate * 1.2), cpu, server, generator, ratio, ratio)


def printed(summaries: list[Summary]) -> list[str]:
    console = Console(width=150)
    with console.capture() as output:
        console.print(scenario_table("Echo", summaries, TITLES, "ours"))
    return output.get().splitlines()


def test_the_fastest_stands_first_with_its_figures() -> None:
    lines = printed(
        [
            summary("peer", 20_000, ratio=Spread(5.0, 4.5, 5.25)),
            summary("ours", 100_000),
            summary("raw", 140_000, generator=0.97, ratio=Spread(0.714, 0.7, 0.72)),
        ]
    )
    rows = [" ".join(line.split()) for line in lines if line.strip().startswith(("raw TCP", "emmett", "Peer"))]
    assert rows == [
        "raw TCP 140,000 -10% +20% 7.14 100% 97% 0.71 (0.70 - 0.72) 0.71 (0.70 - 0.72)",
        "emmett 100,000 -10% +20% 10.00 100% 50%",
        "Peer 20,000 -10% +20% 50.00 100% 50% 5.00 (4.50 - 5.25) 5.00 (4.50 - 5.25)",
    ]
    assert lines[0].strip() == "Echo"


def test_what_is_unknown_is_a_question_mark() -> None:
    row = next(line for line in printed([summary("peer", 10, server=None)]) if "Peer" in line)
    assert " ".join(row.split()) == "Peer 10 -10% +20% ? ? 50% ? ?"


def test_formats() -> None:
    assert format_spread(Spread(200.0, 190.0, 260.0)) == "-5% +30%"
    assert format_spread(Spread(200.0, 200.0, 200.0)) == "+0% +0%"
    assert format_ratio(Spread(1.234, 1.0, 2.0)) == "1.23 (1.00 - 2.00)"
    assert format_ratio(None) == "?"


def test_the_raw_echo_proves_the_generator() -> None:
    notes = generator_notes([summary("raw", 300_000), summary("ours", 100_000), summary("peer", 20)], TITLES, "raw")
    assert len(notes) == 1
    assert "3.0 times" in notes[0]
    assert "emmett, the fastest" in notes[0]


def test_a_generator_at_its_limit_is_told_but_not_for_the_raw_echo() -> None:
    busy = [summary("raw", 3, server=0.8, generator=0.99), summary("ours", 2, server=0.8, generator=0.96)]
    notes = generator_notes(busy, TITLES, "raw")
    assert [note.partition(":")[0] for note in notes if "true rate is higher" in note] == ["emmett"]
    assert not generator_notes([summary("ours", 2, server=0.99, generator=0.96)], TITLES, "raw")
    assert not generator_notes([summary("raw", 2)], TITLES, "raw")


def test_disturbed_figures_are_named() -> None:
    quiet, disturbed = summary("ours", 2, server=0.99), summary("peer", 2, server=0.6, generator=0.3)
    (note,) = disturbance_notes([quiet, disturbed], TITLES)
    assert note.startswith("Disturbed: Peer.")
    assert not disturbance_notes([quiet, summary("peer", 2, server=None, generator=0.1)], TITLES)


def test_a_repeated_failure_is_told_once() -> None:
    failures = [Failure("ours", "echo", "it broke")] * 3 + [Failure("peer", "installation", "no network")]
    assert describe_failures(failures) == [
        "Failed: ours, echo (3 times): it broke",
        "Failed: peer, installation: no network",
    ]
