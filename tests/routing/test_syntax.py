from __future__ import annotations

import pytest

from emmett.errors import ConfigurationError
from emmett.routing import PathPattern, Variable
from emmett.routing.syntax import Group, Hole, Text, parse_path


def test_a_path_is_parsed() -> None:
    assert parse_path("/post/<int:id>(/<str:title>.html)?") == (
        Text("/post/"),
        Hole(Variable("id", "int")),
        Group((Text("/"), Hole(Variable("title", "str", optional=True)), Text(".html"))),
    )


@pytest.mark.parametrize(
    ("given", "source"),
    [("about", "/about"), ("/about", "/about"), ("", "/"), ("<str:name>", "/<str:name>"), ("(a)?", "/(a)?")],
)
def test_a_missing_leading_slash_is_added(given: str, source: str) -> None:
    assert PathPattern(given).source == source


@pytest.mark.parametrize("name", ["id", "_", "größe", "match", "type", "self"])
def test_identifiers_name_variables(name: str) -> None:
    assert PathPattern(f"/<int:{name}>").variables == (Variable(name, "int", optional=False),)


TYPES = "types: int, float, str, alpha, any, date"


@pytest.mark.parametrize(
    ("source", "position", "message"),
    [
        ("/a/<id>", 3, f"a variable is written '<type:name>', such as '<str:id>'; {TYPES}"),
        ("/<>", 1, f"a variable is written '<type:name>', such as '<str:name>'; {TYPES}"),
        ("/<:id>", 1, f"there is no type ''; {TYPES}"),
        ("/<uuid:id>", 1, f"there is no type 'uuid'; {TYPES}"),
        ("/<INT:id>", 1, f"there is no type 'INT'; {TYPES}"),
        ("/<int:>", 1, "the variable has no name; it is written '<int:name>'"),
        ("/<int:1st>", 1, "'1st' cannot name a keyword argument; use an identifier that is not a Python keyword"),
        ("/<int: id>", 1, "' id' cannot name a keyword argument"),
        ("/<str:class>", 1, "'class' cannot name a keyword argument"),
        ("/<str:a:b>", 1, "'a:b' cannot name a keyword argument"),
        ("/<int:a>/<str:a>", 9, "there are two variables 'a'; each needs a name of its own"),
        ("/<int:a>(/<str:a>)?", 10, "there are two variables 'a'"),
        ("/rooms/{name}", 7, f"'{{name}}' would be literal text; a variable is written '<str:name>'; {TYPES}"),
        ("/rooms/{name:int}/x", 7, "'{name:int}' would be literal text; a variable is written '<str:name>'"),
        ("/rooms/:name", 7, "':name' would be literal text; a variable is written '<str:name>'"),
        ("/a/<string:name>", 3, f"there is no type 'string'; {TYPES}; for string write str"),
        ("/a/<id:int>", 3, "there is no type 'id': the type comes first, write '<int:id>'"),
        ("/a/<int:id", 3, "this '<' has no matching '>'; a variable is written '<type:name>'"),
        ("/<int:<str:a>>", 1, "this '<' has no matching '>'"),
        ("/a>", 2, "this '>' has no matching '<'; a variable is written '<type:name>'"),
        ("/a(/b", 2, "this '(' has no matching ')?'; an optional group is written '( ... )?'"),
        ("/a/b)", 4, "this ')' has no matching '('; an optional group is written '( ... )?'"),
        ("/a/b)?", 4, "this ')' has no matching '('"),
        ("/a(/b)", 5, "a group is always optional and must end with ')?'"),
        ("/a(/b)*", 5, "a group is always optional"),
        ("/a()?", 3, "the optional group is empty; put text or a variable in it"),
        ("/a(/b(/c)?)?", 5, "optional groups cannot be nested; put one after the other"),
        ("/a?b=1", 2, "a '?' may only end an optional group '( ... )?'; query parameters are not part of a path"),
        ("/über%20uns", 5, "'%20' is percent-encoded; write the character itself"),
        ("(/<int:id>)?", 1, "a path must start with a slash outside of optional groups"),
        ("/a" + "(/b)?" * 9, 42, "more than 8 optional groups; register several paths instead"),
    ],
)
def test_an_error_about_a_path_says_where_and_what_is_allowed(source: str, position: int, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PathPattern(source)
    whole = source if source.startswith("/") else f"/{source}"
    assert str(caught.value).startswith(f"path {whole!r}, at position {position}: {message}")


def test_a_percent_sign_is_text() -> None:
    assert PathPattern("/100%").match("/100%") == {}


@pytest.mark.parametrize(
    "text",
    [
        "/a.b",
        "/a+",
        "/[a]",
        "/a|b",
        "/^a$",
        "/a{2}",
        "/v1/all:batch",
        "/a:b",
        "/{}",
        "/a/:",
        "/a/:1",
        "/a\\b",
        "/a*",
        "/a b\n",
        "/#",
    ],
)
def test_text_matches_itself(text: str) -> None:
    pattern = PathPattern(text + "/<int:id>")
    assert pattern.match(f"{text}/5") == {"id": 5}
    assert pattern.match("/a/5") is None
    assert pattern.match("/aab/5") is None
