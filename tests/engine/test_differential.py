"""Thousands of random streams, whole and in pieces: both engines give the same results at every step.

The check is that of `make fuzz`, with the same inputs on each run.
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
def test_a_difference_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
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


@needs_native
@pytest.mark.parametrize("size", [*range(10), 15, 16, 31, 32, 63, 64, 65, 125, 131, 1000, 1023, 1024, 1055, 1119, 4099])
def test_both_engines_unmask_in_the_same_way(size: int) -> None:
    data = bytes(index * 7 % 256 for index in range(size + 1))
    for given in (data[:size], bytearray(data[:size]), memoryview(data)[1:]):
        python, native = (engine(name).apply_mask(given, b"\x01\x80\xff\x3c") for name in ("python", "native"))
        assert native == python
        assert type(native) is bytes


@needs_native
def test_the_native_engine_refuses_invalid_arguments_to_unmask() -> None:
    apply_mask = engine("native").apply_mask
    with pytest.raises(ValueError, match="mask must contain 4 bytes"):
        apply_mask(b"payload", b"key")
    with pytest.raises(TypeError):
        apply_mask("payload", b"\0\0\0\0")
    with pytest.raises(TypeError):
        apply_mask(b"payload", 4)
    with pytest.raises(TypeError, match="takes a payload and a key"):
        apply_mask(b"payload")


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
def test_both_engines_encode_or_refuse_the_same_messages(message: object) -> None:
    outcomes = []
    for name in ("python", "native"):
        try:
            outcomes.append(engine(name).encode_message(message))
        except (TypeError, UnicodeEncodeError) as error:
            outcomes.append((type(error), str(error)))
    assert outcomes[0] == outcomes[1]
