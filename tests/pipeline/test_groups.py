"""How a group of exceptions determines the response."""

from __future__ import annotations

import asyncio

import pytest

from emmett.errors import HTTPException, MessageError
from emmett.pipeline.groups import find_answer, is_failure, leaves

ABORT, OTHER_ABORT, MESSAGE, FAULT = HTTPException(404), HTTPException(409), MessageError(1003, ""), LookupError()


def group(*errors: Exception) -> ExceptionGroup[Exception]:
    return ExceptionGroup("several", errors)


def test_leaves_are_found_in_order() -> None:
    assert list(leaves(group(ABORT, group(FAULT, group(MESSAGE)), OTHER_ABORT))) == [ABORT, FAULT, MESSAGE, OTHER_ABORT]
    assert list(leaves(ABORT)) == [ABORT]


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (ABORT, ABORT),
        (FAULT, None),
        (MESSAGE, None),
        (group(ABORT), ABORT),
        (group(group(OTHER_ABORT), ABORT), OTHER_ABORT),
        (group(ABORT, FAULT), None),
        (group(ABORT, group(MESSAGE)), None),
    ],
)
def test_a_group_may_determine_the_response(error: Exception, answer: Exception | None) -> None:
    assert find_answer(error, (HTTPException,)) is answer


def test_any_of_several_types_determines_the_response() -> None:
    assert find_answer(group(MESSAGE, ABORT), (HTTPException, MessageError)) is MESSAGE


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (FAULT, True),
        (SystemExit(1), True),
        (group(FAULT, group(ABORT)), True),
        (BaseExceptionGroup("several", [FAULT, SystemExit(1)]), True),
        (asyncio.CancelledError(), False),
        (KeyboardInterrupt(), False),
        (BaseExceptionGroup("several", [FAULT, KeyboardInterrupt()]), False),
    ],
)
def test_some_groups_are_failures_of_the_handler(error: BaseException, failure: bool) -> None:
    assert is_failure(error) is failure
