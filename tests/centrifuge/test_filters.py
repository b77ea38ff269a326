from __future__ import annotations

from typing import Any

import msgspec
import pytest

from emmett.centrifuge.codes import CommandFailed
from emmett.centrifuge.filters import (
    COMPARISONS,
    MAX_FILTER_DEPTH,
    MAX_FILTER_NODES,
    MAX_FILTER_SIZE,
    MAX_FILTER_VALUES,
    make_filter,
)
from emmett.centrifuge.messages import FilterNode

TAGS = {
    "ticker": "BTC",
    "price": "50000.5",
    "empty": "",
    "odd": "NaN",
    "grouped": "1_0",
    "spaced": " 10",
    "arabic": "\u0661\u0660",
}


def node(**fields: Any) -> FilterNode:
    return msgspec.convert(fields, FilterNode)


def leaf(key: str, cmp: str, val: str = "", *vals: str) -> dict[str, Any]:
    return {"key": key, "cmp": cmp, "val": val, "vals": list(vals)}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (leaf("ticker", "eq", "BTC"), True),
        (leaf("ticker", "eq", "btc"), False),
        (leaf("ticker", "neq", "ETH"), True),
        (leaf("ticker", "in", "", "ETH", "BTC"), True),
        (leaf("ticker", "in"), False),
        (leaf("ticker", "nin", "", "ETH", "BTC"), False),
        (leaf("ticker", "ex"), True),
        (leaf("empty", "ex"), True),
        (leaf("ticker", "nex"), False),
        (leaf("ticker", "sw", "BT"), True),
        (leaf("ticker", "ew", "TC"), True),
        (leaf("ticker", "ct", "T"), True),
        (leaf("ticker", "ct", "E"), False),
        (leaf("price", "gt", "50000"), True),
        (leaf("price", "gt", "50000.5"), False),
        (leaf("price", "gte", "50000.50"), True),
        # As text they would compare the other way round.
        (leaf("price", "lt", "9"), False),
        (leaf("price", "lte", "5.1e4"), True),
        (leaf("price", "lt", "1e999999"), True),
        *((leaf(name, "gt", "1"), False) for name in ("grouped", "spaced", "arabic")),
        *((leaf("ticker", cmp, "1"), False) for cmp in ("lt", "lte", "gt", "gte")),
        *((leaf("odd", cmp, "1"), False) for cmp in ("lt", "lte", "gt", "gte")),
        *((leaf("none", cmp, "1", "1"), cmp in ("neq", "nin", "nex")) for cmp in COMPARISONS),
        ({"op": "and", "nodes": [leaf("ticker", "eq", "BTC"), leaf("price", "gt", "1")]}, True),
        ({"op": "and", "nodes": [leaf("ticker", "eq", "BTC"), leaf("price", "lt", "1")]}, False),
        ({"op": "or", "nodes": [leaf("ticker", "eq", "ETH"), leaf("price", "gt", "1")]}, True),
        ({"op": "or", "nodes": [leaf("ticker", "eq", "ETH")]}, False),
        ({"op": "not", "nodes": [{"op": "or", "nodes": [leaf("ticker", "eq", "ETH")]}]}, True),
    ],
)
def test_a_filter_selects_publications_by_their_tags(fields: dict[str, Any], expected: bool) -> None:
    assert make_filter(node(**fields))(TAGS) is expected


def nested(depth: int) -> dict[str, Any]:
    found = leaf("a", "ex")
    for _ in range(depth - 1):
        found = {"op": "not", "nodes": [found]}
    return found


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "has no key"),
        ({"key": "a"}, "cmp is ''"),
        (leaf("a", "like"), "expected one of eq, neq"),
        (leaf("a", "gt", "many"), "expected a number"),
        (leaf("a", "gt", "Infinity"), "expected a number"),
        ({"op": "xor", "nodes": [leaf("a", "ex")]}, "expected 'and'"),
        ({"op": "and"}, "expected some"),
        ({"op": "not", "nodes": [leaf("a", "ex")] * 2}, "expected one"),
        ({"op": "or", "nodes": [leaf("a", "ex")] * MAX_FILTER_NODES}, "at most"),
        (leaf("a", "in", "", *["x"] * (MAX_FILTER_VALUES + 1)), "at most"),
        (nested(MAX_FILTER_DEPTH + 1), "at most"),
        (leaf("a", "in", "", *["x" * 1000] * 66), "at most 65536 characters"),
        (leaf("a", "eq", "x" * MAX_FILTER_SIZE), "at most 65536 characters"),
        (leaf("x" * (MAX_FILTER_SIZE + 1), "ex"), "at most 65536 characters"),
        ({**leaf("a", "ex"), "nodes": [leaf("b", "ex")] * 1000}, "has nodes"),
        *((leaf("a", "gt", text), "expected a number") for text in ("1_000", " 1", "\u0661", "")),
    ],
)
def test_invalid_filters_are_refused(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(CommandFailed, match=why) as failed:
        make_filter(node(**fields))
    assert failed.value.code == 107


def test_filters_at_the_limits_are_accepted() -> None:
    assert make_filter(node(**nested(MAX_FILTER_DEPTH)))({"a": ""}) is (MAX_FILTER_DEPTH % 2 == 1)
    assert make_filter(node(op="or", nodes=[leaf("a", "ex")] * (MAX_FILTER_NODES - 1)))({"a": ""})
