"""Which template belongs to a route: the one that bears its name."""

from __future__ import annotations


def template_path(route: str) -> str:
    """Return where the template of a route is looked for, below the folder of templates.

    Arguments:
        route: the full name of the route: `index` is `index.html`, `blog.post` is `blog/post.html`.
    """
    return f"{route.replace('.', '/')}.html"
