from __future__ import annotations

import datetime
import decimal
import uuid
from typing import Any

import pytest

from emmett.errors import UsageError
from emmett.sessions.encoding import check, encode, pack, unpack

CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)
DEEP: Any = {}
# Deeper than any CPython lets C recurse: 3.13 takes ten thousand levels.
for _ in range(100_000):
    DEEP = {"a": DEEP}

BAD = {
    "tuple": (1, 2),
    "set": {1},
    "bytes": b"x",
    "nan": float("nan"),
    "infinity": float("inf"),
    "number as key": {1: "x"},
    "date": datetime.date(2026, 1, 1),
    "moment": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    "uuid": uuid.UUID(int=1),
    "decimal": decimal.Decimal("1.5"),
    "object": object(),
    "function": len,
    "surrogate": "\ud800",
    "inside": {"list": [1, {"deeper": (1,)}]},
    "circle": CIRCLE,
    "deep": DEEP,
}
GOOD: dict[str, Any] = {
    "constants": [None, True, False],
    "numbers": [0, -1, 2**80, 0.1, -1e300],
    "text": "é🍪\x00",
    "list": [1, [2, []]],
    "dict": {"a": {"": {}}},
}


@pytest.mark.parametrize("name", BAD)
def test_values_that_json_cannot_express_are_named(name: str) -> None:
    values = {"before": 1, "the key": BAD[name], "behind": 2}
    with pytest.raises(UsageError, match=r"session\['the key'\] cannot be stored.*None, bool, int"):
        check(values, encode(values))


@pytest.mark.parametrize("key", [1, None, (1, 2), b"x"])
def test_a_key_must_be_text(key: Any) -> None:
    values = {key: "x"}
    with pytest.raises(UsageError, match=r"session\["):
        check(values, encode(values))


def test_values_that_json_can_express_are_accepted() -> None:
    check(GOOD, encode(GOOD))


def test_values_survive_packing() -> None:
    found = unpack(pack("an id", 123, encode(GOOD)))
    assert found is not None
    assert found == ("an id", 123, encode(GOOD), GOOD)


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        b"\xff\xfe",
        b"{}",
        b"[]",
        b'["id"]',
        b'["id","soon",{}]',
        b'["id",1,[]]',
        b'["id",1,"text"]',
        b'["id",1,{"a":}]',
        b"[1,1,{}]",
        b'["id",1,' + b'{"a":' * 50_000,
        b'["id",1,' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"]",
        # A pickle that would call something.
        b"cos\nsystem\n(S'true'\ntR.",
        b"\x80\x04\x95\x1c\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.",
    ],
)
def test_hostile_bytes_are_refused(hostile: bytes) -> None:
    assert unpack(hostile) is None
