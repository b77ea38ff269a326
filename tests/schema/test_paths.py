from __future__ import annotations

import pytest

from emmett.routing.variables import VARIABLE_TYPES
from emmett.schema.paths import VARIABLE_SCHEMAS, describe_path


@pytest.mark.parametrize(
    ("source", "templates"),
    [
        ("/", ["/"]),
        ("/blog(/)?", ["/blog"]),
        ("/posts/<int:id>", ["/posts/{id}"]),
        ("/posts/<int:id>(/<str:title>)?", ["/posts/{id}", "/posts/{id}/{title}"]),
        ("/a(.html)?(/<int:n>)?", ["/a", "/a/{n}", "/a.html", "/a.html/{n}"]),
        ("/über uns/50%", ["/%C3%BCber%20uns/50%25"]),
        ("/a{", ["/a%7B"]),
    ],
)
def test_paths_become_templates(source: str, templates: list[str]) -> None:
    assert [path.template for path in describe_path(source)] == templates


def test_a_template_lists_the_variables_that_it_contains() -> None:
    short, long = describe_path("/<date:day>(/<str:title>)?")
    assert [(each.name, each.schema["type"], each.is_required) for each in short.variables] == [("day", "string", True)]
    assert [each.name for each in long.variables] == ["day", "title"]


def test_every_type_of_variable_has_a_schema() -> None:
    assert set(VARIABLE_SCHEMAS) == set(VARIABLE_TYPES)
