"""Log records as lines of JSON."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest

from emmett.json_logs import JSONFormatter
from emmett.logs import log_fields


def line(**values: Any) -> dict[str, Any]:
    """Return the line of a record, read back."""
    record = logging.makeLogRecord({"name": "shop", "levelname": "INFO", "created": 0.125, "msg": "hello"} | values)
    text = JSONFormatter().format(record)
    assert "\n" not in text
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


def test_a_record_is_a_line_of_json() -> None:
    assert line(msg="%d orders", args=(3,), process=7) == {
        "time": "1970-01-01T00:00:00.125+00:00",
        "level": "info",
        "logger": "shop",
        "text": "3 orders",
        "process": 7,
    }


def test_fields_and_extra_are_members() -> None:
    found = line(**log_fields(request="r-1", connection=7, client=("::1", 5), code=1006), order=12, missing=None)
    assert (found["request"], found["connection"], found["client"], found["code"]) == ("r-1", 7, "[::1]:5", 1006)
    assert found["order"] == 12
    assert "missing" not in found
    assert "route" not in found


def test_an_exception_is_a_member() -> None:
    try:
        raise LookupError("a\nmistake")
    except LookupError:
        found = line(exc_info=sys.exc_info(), stack_info="Stack: …")
    assert found["error"] == "LookupError"
    assert found["traceback"].startswith("Traceback")
    assert found["stack"] == "Stack: …"


class Odd:
    def __repr__(self) -> str:
        return "<odd>"


LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Odd(), "<odd>"),
        ({Odd(): 1}, {"<odd>": 1}),
        ("\ud800", "\ud800"),
        (LOOP, "[[...]]"),
        ([1, "a"], [1, "a"]),
    ],
)
def test_no_value_prevents_a_line(value: object, written: object) -> None:
    assert line(value=value)["value"] == written
