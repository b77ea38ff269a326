"""For Schemathesis: `5.0` is an integer in JSON Schema, but not for msgspec; such a number becomes `5`."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Return a body without floats that are whole numbers."""
    match body:
        case dict():
            return {name: map_body(context, value) for name, value in body.items()}
        case list():
            return [map_body(context, value) for value in body]
        case float() if body.is_integer():
            return int(body)
    return body
