"""From what a handler returned to a response."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterable, Iterator

import msgspec

from ..errors import UsageError
from .response import Response

_ALLOWED = (
    "allowed are str, bytes, dict, list, dataclasses, msgspec.Struct, None, Response, and iterators or async iterators "
    "of bytes"
)
_JSON = "application/json"


def render(result: object, response: Response) -> Response:
    """Turn what a handler returned into the finished response.

    Arguments:
        result: text (`text/plain` unless `response` says otherwise), bytes, a dict, list, dataclass or `msgspec.Struct`
            (JSON), an iterator or async iterator of bytes (streamed), `None` (the body that `response` has, empty if it
            was not set), or a `Response`.
        response: the response of the running request, with the status, headers and cookies that were set on it.

    Returns `response`, or, for a `Response` as the result, that one with the headers and cookies of `response` that it
    does not set itself.

    Raises:
        UsageError: for another type, and for a value that JSON cannot express; names the type.
        ValueError: for a cookie that browsers would refuse; here an error page can still stand in, later nothing could.
    """
    try:
        response.check_cookies()
    except ValueError:
        # They would keep the error page from going out too.
        response.cookies.clear()
        raise
    if isinstance(result, Response):
        result.check_cookies()
        return result.with_defaults(response)
    # By type first: to ask whether a dict is an iterator takes longer than to write it as JSON.
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
        UsageError: when JSON cannot express the value; names the type.
    """
    try:
        return msgspec.json.encode(value)
    except RecursionError:
        raise UsageError(
            f"JSON cannot express this {type(value).__name__}: it contains itself or is too deep"
        ) from None
    except (TypeError, ValueError) as error:
        raise UsageError(f"JSON cannot express this {type(value).__name__}: {error}") from error


def _is_dataclass_instance(value: object) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
