"""The template that belongs to a route by its name, and whether its pages are HTML."""

from __future__ import annotations

from ..http.media_types import BINARY, media_type_of


def template_path(route: str) -> str:
    """Return the path of a route's template below the folder of templates.

    Arguments:
        route: the full name of the route: `index` is `index.html`, `blog.post` is `blog/post.html`.
    """
    return f"{route.replace('.', '/')}.html"


def is_html(name: str) -> bool:
    """Return whether a template produces HTML, by its suffix. A custom suffix, such as `.jinja`, counts as HTML."""
    return media_type_of(name.rpartition("/")[2]) in (media_type_of("page.html"), BINARY)
