from __future__ import annotations

import pytest

from emmett.routing.expressions import linear_regex
from emmett.routing.syntax import parse_path


@pytest.mark.parametrize(
    "source",
    [
        "/",
        "/<int:a>",
        "/<any:a>",
        "/<any:a>/edit",
        "/<str:a>.json",
        "/<str:a>/<any:b>",
        "/<str:a>/<str:b>(/<int:c>)?",
        "/<str:a>(/<str:b>)?(/<str:c>)?",
        "/<int:a>-<int:b>.<alpha:c>",
        "/<int:a><alpha:b>",
        "/<float:a>/<date:b><date:c>",
        "/a(-<int:a>)?/<str:b>.json",
        "/a(/<int:b>)?/<str:c>",
        "/a(/b)?/c/d",
        "/<str:a>(/<str:b>)?/",
        "/<str:a>(/<str:b>)?(/<str:c>)?(/<str:d>)?(/<str:e>)?",
    ],
)
def test_path_with_one_way_to_split_has_an_expression(source: str) -> None:
    assert linear_regex(parse_path(source)) is not None


@pytest.mark.parametrize(
    "source",
    [
        "/<any:a>/<any:b>",
        "/<any:a>/<int:b>",
        "/<any:a>(/)?",
        "/<str:a>-<str:b>",
        "/<str:a>.<alpha:b>",
        "/<int:a>1<int:b>",
        "/<int:a><float:b>",
        "/<int:a><date:b>",
        "/<alpha:a>²<int:b>",
        "/<str:a>(.<str:b>)?",
        "/<str:a>(/<str:b>)?(/<str:c>)?(/<str:d>)?(/<str:e>)?/",
        "/(<str:a>)?(<int:b>)?",
        "/(<str:a>.json)?",
    ],
)
def test_path_with_several_ways_to_split_has_none(source: str) -> None:
    assert linear_regex(parse_path(source)) is None
