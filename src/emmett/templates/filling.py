"""Handlers whose results fill templates."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from .templates import Templates


def fill_template(
    handler: Callable[..., Any], templates: Templates, route: str, name: str | None
) -> Callable[..., Any] | None:
    """Return a handler whose dicts fill a template; None when the route has none.

    The page is made where the handler returns, inside of all pipes: what it takes from the session, such as a token for
    a form, is saved with it.

    Arguments:
        handler: the handler, plain or async.
        templates: the templates of the application.
        route: the full name of the route, whose own template is looked for.
        name: the template that was named with the route; None for the route's own.

    Raises:
        ConfigurationError: a template was named, and jinja2 is not installed.
    """
    if name is not None:
        # Here jinja2 is missed most clearly.
        _ = templates.environment
    elif not templates.reloads and templates.find(route) is None:
        return None

    @functools.wraps(handler)
    async def fill(*args: Any, **kwargs: Any) -> Any:
        result = handler(*args, **kwargs)
        if inspect.isawaitable(result):
            result = await result
        if isinstance(result, dict) or (result is None and name is not None):
            found = name or templates.find(route)
            if found is not None:
                return await templates.render(found, result or {})
        return result

    return fill
