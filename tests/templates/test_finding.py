"""Finding the template of a route."""

from __future__ import annotations

import pytest

from emmett.templates.finding import is_html, template_path


@pytest.mark.parametrize(
    ("route", "path"), [("index", "index.html"), ("blog.post", "blog/post.html"), ("a.b.c", "a/b/c.html")]
)
def test_a_template_has_the_name_of_the_route(route: str, path: str) -> None:
    assert template_path(route) == path


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.html", True), ("b/a.htm", True), ("a.jinja", True), ("a", True), ("a.txt", False), ("a.xml", False)],
)
def test_the_suffix_identifies_html(name: str, expected: bool) -> None:
    assert is_html(name) is expected
