"""Which template belongs to a route, the one that bears its name, and whether its pages are HTML."""

from __future__ import annotations

from ..http.media_types import BINARY, media_type_of

_HTML = media_type_of("page.html")


def template_path(route: str) -> str:
    """Return where the template of a route is looked for, below the folder of templates.

    Arguments:
        route: the full name of the route: `index` is `index.html`, `blog.post` is `blog/post.html`.
    """
    return f"{route.replace('.', '/')}.html"


def is_html(name: str) -> bool:
    """Return whether a template makes HTML, by its suffix; one of the application's own, such as `.jinja`, does too."""
    return media_type_of(name.rpartition("/")[2]) in (_HTML, BINARY)
