"""Results of request handlers: checked and encoded by their annotation."""

from __future__ import annotations

import typing
from collections.abc import AsyncIterable, Callable, Iterator
from types import UnionType
from typing import Any, Literal, NoReturn, get_args, get_origin

import msgspec

from ..errors import ConfigurationError, UsageError
from ..http.response import Response
from ..typed.models import decode_model, encode_model, find_undecodable
from ..typed.parameters import read_hints

Output = Literal["auto", "bytes", "str", "iter"]
OUTPUTS: tuple[Output, ...] = ("auto", "bytes", "str", "iter")

# Returns the result to render, for the result of a handler and the response of the request.
Finish = Callable[[Any, Response], Any]

_OUTPUT_TYPES: dict[Output, tuple[type, ...]] = {
    "bytes": (bytes, bytearray, memoryview, Response),
    "str": (str, Response),
    "iter": (AsyncIterable, Iterator, Response),
}
# Results that have a form of their own: they are not encoded as JSON.
_RENDERED = (str, bytes, bytearray, memoryview, Response, AsyncIterable, Iterator)
_UNIONS = (typing.Union, UnionType)

_encoder = msgspec.json.Encoder(enc_hook=encode_model)


def result_annotation(function: Callable[..., Any], label: str) -> Any:
    """Return the annotation of a handler's result; `Any` without one that can be evaluated.

    Arguments:
        function: the handler. A decorator's function has the result of the decorator, which no annotation describes.
        label: the route, as errors name it.
    """
    if "return" not in getattr(function, "__annotations__", {}) or hasattr(function, "__wrapped__"):
        return Any
    try:
        return read_hints(function, label).get("return", Any)
    except ConfigurationError:
        return Any


def is_json(annotation: Any) -> bool:
    """Return whether results with an annotation are encoded as JSON by it.

    Text, bytes, streams, responses, and results without a type are not: the value decides how it is sent. The same goes
    for a union with one of these.
    """
    if annotation is None or annotation is type(None):
        return False
    members = get_args(annotation) if get_origin(annotation) in _UNIONS else (annotation,)
    return not any(map(_decides_itself, members))


def media_type(annotation: Any) -> str | None:
    """Return the media type of results with an annotation; `None` if there is no content, or the value decides."""
    if is_json(annotation):
        return "application/json"
    if isinstance(annotation, type) and issubclass(annotation, (str, bytes)):
        return "text/plain" if issubclass(annotation, str) else "application/octet-stream"
    return "application/json" if (get_origin(annotation) or annotation) in (dict, list) else None


def _decides_itself(type_: Any) -> bool:
    if type_ in (Any, object, dict, list, typing.Never, NoReturn):
        return True
    origin = get_origin(type_)
    if origin is Literal:
        return any(isinstance(value, (str, bytes)) for value in get_args(type_))
    if origin is typing.Annotated:
        return _decides_itself(get_args(type_)[0])
    if origin in (dict, list) and get_args(type_)[-1] in (Any, object):
        return True
    kind = origin or type_
    return isinstance(kind, type) and issubclass(kind, _RENDERED)


def make_finish(output: Output, annotation: Any, label: str, *, is_final: bool) -> Finish | None:
    """Return the function that checks and encodes the results of a handler; `None` if nothing has to be done.

    Arguments:
        output: the required type of the result.
        annotation: the annotation of the result.
        label: the route, as errors name it.
        is_final: whether no pipe of the application changes the results.

    Raises:
        ConfigurationError: JSON cannot represent such results.
    """
    wanted = _OUTPUT_TYPES.get(output)
    if wanted is not None:
        return _output_check(output, wanted, label)
    if not is_json(annotation):
        return None
    try:
        strange = find_undecodable(annotation)
    except TypeError:
        # Such as `list[str | bytes]`, which cannot be decoded, but well be encoded.
        return None
    if strange is None:
        return _json_encoder(annotation, label)
    # A subclass of a built-in type is encoded like that; `object` may be anything.
    if is_final and strange is not object and strange.__mro__[1:] == (object,):
        _refuse(annotation, f"JSON cannot represent {strange.__qualname__}", label)
    return None


def _refuse(annotation: Any, reason: str, label: str) -> NoReturn:
    raise ConfigurationError(
        f"{label}: the annotation of its result is {annotation}: {reason}; use a Struct, a dataclass, a TypedDict, a "
        "pydantic model or a built-in type, or leave the annotation out"
    )


def _output_check(output: Output, wanted: tuple[type, ...], label: str) -> Finish:
    def finish(result: Any, response: Response) -> Any:
        if not isinstance(result, wanted):
            raise UsageError(f"{label} has output={output!r} but returned {type(result).__name__}")
        return result

    return finish


def _json_encoder(annotation: Any, label: str) -> Finish:
    def finish(result: Any, response: Response) -> Any:
        if isinstance(result, _RENDERED):
            # A pipe or a template has made an answer of it.
            return result
        try:
            if type(result) is not annotation:
                result = msgspec.convert(result, annotation, from_attributes=True, dec_hook=decode_model)
            content = _encoder.encode(result)
        except (msgspec.ValidationError, TypeError, ValueError, RecursionError) as error:
            raise UsageError(f"{label}: the result does not match its annotation {annotation}: {error}") from error
        response.body = b""
        response.fill(content, "application/json")
        return None

    return finish
