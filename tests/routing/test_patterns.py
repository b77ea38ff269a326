from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.errors import ConfigurationError
from emmett.routing import PathPattern, Variable

from .strategies import arguments, sources


def test_a_pattern_has_a_path_and_variables() -> None:
    pattern = PathPattern("post/<int:id>(/<str:title>)?")
    assert pattern.source == "/post/<int:id>(/<str:title>)?"
    assert pattern.variables == (Variable("id", "int", False), Variable("title", "str", True))
    assert not pattern.is_static
    assert pattern.static_paths == ()
    assert pattern.head == "/post/"
    assert repr(pattern) == "PathPattern('/post/<int:id>(/<str:title>)?')"


def test_key_is_the_path_without_names() -> None:
    assert PathPattern("/<int:a>(/<str:b>)?").key == PathPattern("/<int:x>(/<str:y>)?").key
    assert PathPattern("/<int:a>").key != PathPattern("/<str:a>").key
    assert PathPattern("/<int:a>(/<str:b>)?").key != PathPattern("/<int:a>/<str:b>").key


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ("/", {"/"}),
        ("/about", {"/about"}),
        ("/a(/)?", {"/a", "/a/"}),
        ("/a(/b)?(/c)?", {"/a", "/a/b", "/a/c", "/a/b/c"}),
        ("/a(/b)?(/b)?", {"/a", "/a/b", "/a/b/b"}),
    ],
)
def test_static_paths(source: str, paths: set[str]) -> None:
    pattern = PathPattern(source)
    assert pattern.is_static
    assert set(pattern.static_paths) == paths
    assert len(pattern.static_paths) == len(paths)
    assert all(pattern.match(path) == {} for path in paths)


@pytest.mark.parametrize(
    ("source", "path", "expected"),
    [
        ("/a", "/a", {}),
        ("/a", "/a/", None),
        ("/a/", "/a", None),
        ("/a", "/A", None),
        ("/a", "/a\n", None),
        ("/a", "/ab", None),
        ("/a", "a", None),
        ("/<int:id>", "/5/", None),
        ("/<int:id>", "x/5", None),
        ("/p(/<int:id>)?", "/p", {"id": None}),
        ("/p(/<int:id>)?", "/p/5", {"id": 5}),
        ("/p(/<int:id>)?", "/p/", None),
        ("/p(/<int:id>)?", "/p/x", None),
        ("/p(/<int:id>)?/edit", "/p/edit", {"id": None}),
        ("/p(/<int:id>)?/edit", "/p/5/edit", {"id": 5}),
        ("/p(/<int:id>)?/<str:x>", "/p/5", {"id": None, "x": "5"}),
        ("/p(/<int:id>)?/<str:x>", "/p/5/6", {"id": 5, "x": "6"}),
        ("/(<date:day>)?", "/", {"day": None}),
        ("/(<date:day>)?", "/2024-02-29", {"day": date(2024, 2, 29)}),
        ("/<int:a>-<int:b>", "/1-2", {"a": 1, "b": 2}),
        ("/<int:a><alpha:b>", "/12ab", {"a": 12, "b": "ab"}),
        ("/<str:a>.<str:b>", "/x.tar.gz", {"a": "x.tar", "b": "gz"}),
        ("/<str:a>.<str:b>", "/.x.y.", {"a": ".x", "b": "y."}),
        ("/<str:a>(.<str:b>)?", "/x.gz", {"a": "x", "b": "gz"}),
        ("/<str:a>(.<str:b>)?", "/x.", {"a": "x.", "b": None}),
        ("/<any:a>/<any:b>", "/1/2/3", {"a": "1/2", "b": "3"}),
        ("/<any:a>(/<int:b>)?", "/x/y/3", {"a": "x/y", "b": 3}),
        ("/<any:a>(/<int:b>)?", "/x/y", {"a": "x/y", "b": None}),
        ("/<any:a>(/<int:b>)?(/<int:c>)?", "/x/3", {"a": "x", "b": 3, "c": None}),
        ("/<any:a>(/<int:b>)?(/<int:c>)?", "/x/3/4", {"a": "x", "b": 3, "c": 4}),
        ("/<any:a>(/)?", "/x/", {"a": "x"}),
        ("/<any:a>/edit", "/x/edit/edit", {"a": "x/edit"}),
        ("/<str:a>.json", "/x.json", {"a": "x"}),
        ("/<str:a>.json", "/.json", None),
        ("/<alpha:a>b", "/abb", {"a": "ab"}),
        ("/<alpha:a>²", "/ab²", {"a": "ab"}),
    ],
)
def test_a_pattern_matches_and_reads_its_variables(source: str, path: str, expected: dict[str, Any] | None) -> None:
    assert PathPattern(source).match(path) == expected


def test_value_is_read_after_the_split() -> None:
    # The text could be split into two dates, but the split does not know the calendar.
    assert PathPattern("/<str:a>(-<date:b>)?").match("/x-2024-02-30") is None


@pytest.mark.parametrize(
    ("source", "args", "path"),
    [
        ("/", [], "/"),
        ("/a(/)?", [], "/a"),
        ("/über uns", [], "/%C3%BCber%20uns"),
        ("/a:b@c/(1)?", [], "/a:b@c/"),
        ("/100%", [], "/100%25"),
        ("/p/<int:id>", [5], "/p/5"),
        ("/p/<int:id>", (5,), "/p/5"),
        ("/p(/<int:id>)?", [], "/p"),
        ("/p(/<int:id>)?", [None], "/p"),
        ("/p(/<int:id>)?", [0], "/p/0"),
        ("/p(/<int:a>)?(-<int:b>)?", [1], "/p/1"),
        ("/p(/<int:a>)?(-<int:b>)?", [None, 2], "/p-2"),
        ("/p(/<int:a>)?(-<int:b>)?", [1, 2], "/p/1-2"),
        ("/p(/<int:id>)?/<str:x>", ["y"], "/p/y"),
        ("/p(/<int:id>)?/<str:x>", [None, "y"], "/p/y"),
        ("/p(/<int:id>)?/<str:x>", [5, "y"], "/p/5/y"),
        ("/<str:a>", ["?#[]%;&"], "/%3F%23%5B%5D%25;&"),
        ("/<any:a>", ["\\evil.com"], "/%5Cevil.com"),
    ],
)
def test_a_pattern_builds_paths(source: str, args: list[Any], path: str) -> None:
    assert PathPattern(source).build(args) == path


def test_a_built_path_never_names_another_host() -> None:
    pattern = PathPattern("/<any:a>")
    path = pattern.build(["/evil.com"])
    assert path == "/%2Fevil.com"
    assert pattern.match(unquote(path)) == {"a": "/evil.com"}


@pytest.mark.parametrize(
    ("source", "args", "message"),
    [
        ("/a", [1], "got 1 arguments; the variables are: none"),
        ("/p/<int:a>/<int:b>(/<str:c>)?", [1], "got 1 arguments; the variables are: a, b, c (optional)"),
        ("/p/<int:a>", [1, 2], "got 2 arguments; the variables are: a"),
        ("/p(/<int:a>)?(/<int:b>)?/<str:c>", [1, 2], "got 2 arguments; the variables are: a (optional), b (opt"),
        (
            "/p(/<int:a>-<int:b>)?",
            [1],
            "the variables of one optional group must be given together or not at all: a, b",
        ),
        ("/<str:a>.<str:b>", ["x", "tar.gz"], "is ambiguous, since it would match with other values"),
        ("/<any:a>(/<int:b>)?", ["x/5"], "is ambiguous, since it would match with other values"),
        ("/<str:a>", ["\ud800"], "not valid Unicode"),
    ],
)
def test_unsuitable_arguments_are_refused(source: str, args: list[Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PathPattern(source).build(args)
    assert message in str(caught.value)


@given(st.data(), sources().map(PathPattern))
def test_a_built_path_matches_with_the_same_arguments(data: st.DataObject, pattern: PathPattern) -> None:
    args = data.draw(arguments(pattern))
    try:
        path = pattern.build(args)
    except ConfigurationError as error:
        # Values that run into each other, or make a dot segment, are an error instead of a wrong
        # path.
        if pattern.regex is not None and "clients remove dot segments" not in str(error):
            raise
        return
    assert path.isascii()
    assert path.startswith("/")
    assert not path.startswith("//")
    assert pattern.match(unquote(path)) == {
        variable.name: value for variable, value in zip(pattern.variables, args, strict=True)
    }


@given(st.text())
def test_any_source_is_a_pattern_or_a_configuration_error(source: str) -> None:
    try:
        pattern = PathPattern(source)
    except ConfigurationError:
        return
    assert pattern.source.startswith("/")
    assert pattern.is_static == (not pattern.variables)
