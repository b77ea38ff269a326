from __future__ import annotations

import asyncio
import logging

import pytest

from emmett.errors import FrameError, HTTPException, RequestError, WebsocketClosed
from emmett.pipeline.hooks import Hook
from emmett.pipeline.outcome import invoke_during, is_success, takes_precedence

REDIRECT = HTTPException(303)
NOT_FOUND = HTTPException(404)
FAULT = ValueError("fault")
CANCELLED = asyncio.CancelledError()


def hook_that_raises(error: BaseException | None) -> Hook:
    async def call() -> None:
        if error is not None:
            raise error

    return Hook(call, True, "Database.close")


@pytest.mark.parametrize(
    ("error", "success"),
    [
        (HTTPException(200), True),
        (HTTPException(303), True),
        (HTTPException(399), True),
        (HTTPException(400), False),
        (HTTPException(500), False),
        (RequestError(400, "bad"), False),
        (WebsocketClosed(1000), False),
        (CANCELLED, False),
        (FAULT, False),
        (ExceptionGroup("tasks", [HTTPException(303)]), True),
        (ExceptionGroup("tasks", [ExceptionGroup("", [HTTPException(303)]), HTTPException(404)]), True),
        (ExceptionGroup("tasks", [HTTPException(404)]), False),
        (ExceptionGroup("tasks", [HTTPException(303), LookupError()]), False),
    ],
)
def test_only_responses_below_400_are_successes(error: BaseException, success: bool) -> None:
    assert is_success(error) is success


@pytest.mark.parametrize(
    ("new", "old", "wins"),
    [
        (FAULT, NOT_FOUND, False),
        (REDIRECT, FAULT, False),
        (FAULT, REDIRECT, True),
        (CANCELLED, FAULT, True),
        (CANCELLED, REDIRECT, True),
        (KeyboardInterrupt(), FAULT, True),
        (FAULT, CANCELLED, False),
        (REDIRECT, CANCELLED, False),
        (asyncio.CancelledError(), CANCELLED, False),
        (FAULT, KeyboardInterrupt(), False),
    ],
)
def test_one_of_two_errors_takes_precedence(new: BaseException, old: BaseException, wins: bool) -> None:
    assert takes_precedence(new, old) is wins


async def test_the_other_error_is_logged_with_its_hook(caplog: pytest.LogCaptureFixture) -> None:
    await invoke_during(hook_that_raises(FAULT), NOT_FOUND)
    (entry,) = caplog.records
    assert entry.name == "emmett.pipeline"
    assert entry.levelno == logging.ERROR
    assert entry.getMessage() == "Database.close failed while another error was propagating"
    assert entry.exc_info is not None
    assert entry.exc_info[1] is FAULT


PEER_ERRORS = [
    *(WebsocketClosed(1006), FrameError(1002, "bad frame"), RequestError(413, "too much")),
    ExceptionGroup("tasks", [RequestError(413, "too much"), WebsocketClosed(1006)]),
]


@pytest.mark.parametrize("error", PEER_ERRORS)
async def test_errors_that_a_peer_causes_have_no_traceback(caplog: pytest.LogCaptureFixture, error: Exception) -> None:
    caplog.set_level(logging.DEBUG, "emmett.pipeline")
    await invoke_during(hook_that_raises(error), FAULT)
    (entry,) = caplog.records
    assert entry.levelno == logging.DEBUG
    assert not entry.exc_info


async def test_a_second_cancellation_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "emmett.pipeline")
    await invoke_during(hook_that_raises(asyncio.CancelledError()), CANCELLED)
    assert not caplog.records


async def test_an_error_that_takes_precedence_is_raised(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValueError, match="fault"):
        await invoke_during(hook_that_raises(FAULT), REDIRECT)
    assert not caplog.records


async def test_a_successful_hook_does_not_change_the_error() -> None:
    await invoke_during(hook_that_raises(None), FAULT)
