"""Thousands of random streams, whole and in pieces: both engines make the same of them at every step.

The check is that of `make fuzz`, with inputs that are the same on each run.
"""

from __future__ import annotations

import itertools

import pytest
from click.testing import CliRunner

from fuzzing.checks import engines
from fuzzing.random_streams import main, streams
from tests.engine.engines import engine, needs_native

STREAMS = 3000


@needs_native
def test_both_engines_read_and_encode_the_same() -> None:
    for stream in itertools.islice(streams(15), STREAMS):
        engines.check(stream)


@needs_native
def test_a_difference_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    python, native = engines.READERS
    monkeypatch.setattr(engines, "READERS", (python, lambda *a, **k: native(*a, **k | {"max_bytes": 1})))
    with pytest.raises(AssertionError, match="feed: Python"):
        for seed in engines.seeds():
            engines.check(seed)


@needs_native
def test_a_stream_that_differs_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "ENCODERS", (engine("python").encode_message, lambda message: b"other"))
    outcome = CliRunner().invoke(main, ["--seed", "1"])
    assert isinstance(outcome.exception, AssertionError)
    assert "with --seed 1, stream 1: " in outcome.output


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
