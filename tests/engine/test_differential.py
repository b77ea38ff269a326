"""Thousands of random streams, whole and in pieces: both engines make the same of them at every step.

The check is that of `make fuzz`, with inputs that are the same on each run.
"""

from __future__ import annotations

import random

import pytest

from fuzzing.checks import engines
from tests.engine.engines import engine, needs_native

STREAMS = 3000


def mutated(dice: random.Random, seeds: list[bytes]) -> bytes:
    """Return a seed that is changed, or joined with a part of another."""
    data = bytearray(dice.choice(seeds))
    for _ in range(dice.randrange(6)):
        place = dice.randrange(len(data) + 1)
        match dice.randrange(4):
            case 0:
                data[place:place] = dice.choice(seeds)[4:][: dice.randrange(300)]
            case 1:
                del data[place : place + dice.randrange(20)]
            case _ if place < len(data):
                data[place] ^= 1 << dice.randrange(8)
    if dice.random() < 0.5:
        data[:4] = dice.randbytes(4)
    return bytes(data)


@needs_native
def test_both_engines_read_and_encode_the_same() -> None:
    dice = random.Random(15)
    seeds = list(engines.seeds())
    for _ in range(STREAMS):
        engines.check(mutated(dice, seeds))


@needs_native
def test_a_difference_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    python, native = engines.READERS
    monkeypatch.setattr(engines, "READERS", (python, lambda *a, **k: native(*a, **k | {"max_bytes": 1})))
    with pytest.raises(AssertionError, match="feed: Python"):
        for seed in engines.seeds():
            engines.check(seed)


class Odd(bytes):
    def __bytes__(self) -> bytes:
        return b"other bytes"


class Name(str):
    __slots__ = ()


@needs_native
@pytest.mark.parametrize(
    "message",
    [
        *("", "a", "é", "☃", "👋" * 40, "x" * 125, "x" * 126, "é" * 40_000, "x" * 65_535, "x" * 65_536),
        *(b"", b"x" * 125, b"x" * 126, b"x" * 65_535, b"x" * 65_536, bytearray(b"abc"), memoryview(b"abcdef")[::2]),
        *(Odd(b"bytes"), Name("text"), Name("é"), "\ud800", None, 1, ["text"], object),
    ],
    ids=lambda message: f"{type(message).__name__}-{str(message)[:4].encode('ascii', 'replace').decode()}",
)
def test_both_engines_encode_or_refuse_a_message_alike(message: object) -> None:
    outcomes = []
    for name in ("python", "native"):
        try:
            outcomes.append(engine(name).encode_message(message))
        except (TypeError, UnicodeEncodeError) as error:
            outcomes.append((type(error), str(error)))
    assert outcomes[0] == outcomes[1]
