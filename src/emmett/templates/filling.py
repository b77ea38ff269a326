"""Handlers whose results are rendered with a template."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from ..ctx import response
from ..http.media_types import media_type_of
from .finding import is_html
from .templates import Templates


def fill_template(
    handler: Callable[..., Any], templates: Templates, route: str, name: str | None
) -> Callable[..., Any] | None:
    """Return a handler whose dicts are rendered with a template; None if the route has no template.

    The page is rendered where the handler returns, inside all pipes: values that it stores in the session, such as a
    token for a form, are saved with it. The suffix of the template sets the content type unless the handler did.

    Arguments:
        handler: the handler, plain or async.
        templates: the templates of the application.
        route: the full name of the route, which determines its own template.
        name: the template specified with the route; None for the route's own.

    Raises:
        ConfigurationError: a template is specified, but jinja2 is not installed.
    """
    if name is not None or templates.find(route) is not None:
        # A missing jinja2 is reported here, at registration, and its import delays no request.
        _ = templates.environment
    elif not templates.reloads:
        return None

    @functools.wraps(handler)
    async def fill(*args: Any, **kwargs: Any) -> Any:
        result = handler(*args, **kwargs)
        if inspect.isawaitable(result):
            result = await result
        if isinstance(result, dict) or (result is None and name is not None):
            found = name or templates.find(route)
            if found is not None:
                page = await templates.render(found, result or {})
                _set_content_type(found)
                return page
        return result

    return fill


def _set_content_type(name: str) -> None:
    # A page of HTML sets its own type.
    if not is_html(name) and response.content_type is None:
        response.content_type = media_type_of(name.rpartition("/")[2])
