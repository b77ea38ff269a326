"""Which template belongs to a route."""

from __future__ import annotations

import pytest

from emmett.templates import template_path


@pytest.mark.parametrize(
    ("route", "path"), [("index", "index.html"), ("blog.post", "blog/post.html"), ("a.b.c", "a/b/c.html")]
)
def test_it_bears_the_name_of_the_route(route: str, path: str) -> None:
    assert template_path(route) == path
