"""The checks pass for every seed and for slightly changed bytes; the stored seeds are the generated ones."""

from __future__ import annotations

import importlib
import logging
import random
from collections.abc import Iterator

import httptools
import pytest

from emmett.server.http_protocol import HTTPProtocol
from fuzzing.checks import handshake, server
from fuzzing.seeds import FOLDER, HARNESSES, MAX_SIZE, generate


@pytest.fixture(autouse=True)
def _loggers() -> Iterator[None]:
    """Restore the loggers that a harness reconfigures for the rest of its process."""
    loggers = [logging.getLogger(name) for name in server.LOGGERS]
    before = [(logger.propagate, list(logger.handlers)) for logger in loggers]
    yield
    for logger, (propagate, handlers) in zip(loggers, before, strict=True):
        logger.propagate, logger.handlers = propagate, handlers


@pytest.mark.parametrize("harness", HARNESSES)
def test_the_stored_seeds_are_the_generated_ones(harness: str) -> None:
    generated = dict(generate(harness))
    kept = {path.name: path.read_bytes() for path in (FOLDER / harness).iterdir()}
    assert kept == generated, "run `python -m fuzzing.seeds`"
    assert len(kept) >= 40
    assert max(map(len, kept.values())) <= MAX_SIZE


@pytest.mark.parametrize("harness", HARNESSES)
def test_the_checks_pass_for_seeds_and_slightly_changed_seeds(harness: str) -> None:
    check = importlib.import_module(f"fuzzing.checks.{harness}").check
    dice = random.Random(7)
    check(b"")
    for _, data in generate(harness):
        check(data)
        changed = bytearray(data)
        for _ in range(3):
            changed[dice.randrange(len(changed))] = dice.randrange(256)
            check(bytes(changed))
        check(data[: dice.randrange(len(data))])


def test_a_response_that_is_not_http_is_detected() -> None:
    with pytest.raises(AssertionError):
        handshake.check_answer(b"nonsense")
    with pytest.raises(httptools.HttpParserError):
        handshake.check_answer(b"HTTP/1.1 200 OK\r\nbad\x00line\r\n\r\n")


def test_a_connection_left_open_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = server._Server()
    whole.play(server._Program(b""))
    monkeypatch.setattr(HTTPProtocol, "sweep", lambda *_: None)
    with pytest.raises(AssertionError, match=r"connections are left: .*HTTPProtocol"):
        whole.play(server._Program(b""))


def test_an_error_in_the_log_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = server._Server()
    monkeypatch.setattr(HTTPProtocol, "admit", lambda _: 1 / 0)
    with pytest.raises(AssertionError):
        whole.play(server._Program(b""))
