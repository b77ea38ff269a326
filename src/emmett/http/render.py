"""Convert the result of a handler to a response."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterable, Iterator
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..lazy import LaterModule
from .response import Response

if TYPE_CHECKING:
    import msgspec
else:
    msgspec = LaterModule("msgspec")

_ALLOWED = (
    "allowed are str, bytes, dict, list, dataclasses, msgspec.Struct, None, Response, and iterators or async iterators "
    "of bytes"
)
_JSON = "application/json"


def render(result: object, response: Response) -> Response:
    """Convert the result of a handler to the finished response.

    Arguments:
        result: text (`text/plain` unless `response` says otherwise), bytes, a dict, list, dataclass or `msgspec.Struct`
            (JSON), an iterator or async iterator of bytes (streamed), `None` (the body of `response`, empty if it was
            not set), or a `Response`.
        response: the response of the current request, with the status, headers and cookies that were set on it.

    Returns `response`. If the result is a `Response`, returns that one with the headers and cookies of `response` that
    it does not set itself.

    Raises:
        UsageError: for another type, and for a value that JSON cannot represent; the error names the type.
        ValueError: for a cookie that browsers would refuse. An error page can still be sent here, but not later.
    """
    try:
        response.check_cookies()
    except ValueError:
        # These cookies would also prevent the error page from being sent.
        response.cookies.clear()
        raise
    if isinstance(result, Response):
        result.check_cookies()
        return result.with_defaults(response)
    # The type first: checking whether a dict is an iterator takes longer than encoding it as JSON.
    if type(result) is not dict and isinstance(result, (str, bytes, bytearray, memoryview, AsyncIterable, Iterator)):
        response.body = result
    elif isinstance(result, (dict, list, msgspec.Struct)) or _is_dataclass_instance(result):
        response.fill(encode_json(result), _JSON)
    elif result is not None:
        raise UsageError(f"a handler returned {_article(type(result).__name__)}: {_ALLOWED}")
    return response


def encode_json(value: object) -> bytes:
    """Return a value as JSON.

    Raises:
        UsageError: JSON cannot represent the value; the error names the type.
    """
    try:
        return msgspec.json.encode(value)
    except RecursionError:
        raise UsageError(
            f"JSON cannot represent this {type(value).__name__}: it contains itself or is too deep"
        ) from None
    except (TypeError, ValueError) as error:
        raise UsageError(f"JSON cannot represent this {type(value).__name__}: {error}") from error


def _is_dataclass_instance(value: object) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
