"""`request.body_params`: the fields of a URL-encoded form or the members of a JSON body, as an `sdict`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..datastructures import sdict
from ..errors import RequestError
from ..lazy import LaterModule
from .body import Body
from .query import parse_query

if TYPE_CHECKING:
    import msgspec
else:
    msgspec = LaterModule("msgspec")

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
_JSON_NAMES: dict[type, str] = {
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
}


async def read_body_params(body: Body, content_type: str, *, max_fields: int) -> sdict[Any]:
    """Read the parameters in a request body.

    Arguments:
        body: the body; it is left unread if its type has no parameters.
        content_type: the media type, in lower case and without its parameters.
        max_fields: the maximum number of fields.

    Returns the fields of a URL-encoded form, parsed as `parse_query` does, or the members of a JSON object. A body that
    is empty or of another type has no parameters.

    Multipart forms are read by `MultipartForm`.

    Raises:
        RequestError: 400 for invalid JSON and for JSON that is not an object, 413 for too many fields; and any error
            that reading the body raises.
    """
    if content_type == _FORM:
        content = await body
        # The fields are counted before they are parsed, so that a flood costs next to nothing.
        _limit_fields(1 + content.count(b"&"), max_fields)
        return parse_query(content)
    if content_type == _JSON or content_type.endswith("+json"):
        params = _parse_json_object(await body)
        _limit_fields(len(params), max_fields)
        return params
    return sdict()


def _parse_json_object(content: bytes) -> sdict[Any]:
    if not content:
        return sdict()
    try:
        value = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RequestError(400, f"the request body is not valid JSON: {error}") from None
    except RecursionError:
        raise RequestError(400, "the request body cannot be decoded: the JSON is nested too deeply") from None
    if not isinstance(value, dict):
        raise RequestError(400, f"the JSON in the request body must be an object, not {_JSON_NAMES[type(value)]}")
    return sdict(value)


def _limit_fields(fields: int, max_fields: int) -> None:
    if fields > max_fields:
        raise RequestError(413, f"the request body has {fields} fields; at most {max_fields} are allowed")
