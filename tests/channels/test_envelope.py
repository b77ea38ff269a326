from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from emmett.channels import Details, Kind
from emmett.channels.envelope import MAX_CARRIER, carry, pack, split_carrier, unpack


@given(st.text() | st.binary())
def test_data_survives_packing(data: str | bytes) -> None:
    assert unpack(pack(data)) == (data, Kind.MESSAGE, None)


@pytest.mark.parametrize("kind", [Kind.JOIN, Kind.LEAVE])
def test_kinds_survive_packing(kind: Kind) -> None:
    assert unpack(pack("{}", kind)) == ("{}", kind, None)


@given(st.binary())
def test_any_bytes_are_read_or_refused(payload: bytes) -> None:
    try:
        data, kind, details = unpack(payload)
    except ValueError:
        return
    assert unpack(pack(data, kind, details)) == (data, kind, details)


@given(st.text() | st.binary(), st.dictionaries(st.text(), st.text(), max_size=3))
def test_details_survive_packing(data: str | bytes, tags: dict[str, str]) -> None:
    details = Details(info=Raw(b'{"user":"ada"}'), tags=tags)
    assert unpack(pack(data, details=details)) == (data, Kind.MESSAGE, details)


def test_details_over_the_limit_are_refused() -> None:
    details = Details(tags={"long": "x" * 16_384})
    with pytest.raises(ValueError, match="expected 16384 at most"):
        pack("data", details=details)


@pytest.mark.parametrize(
    "payload", [b"d", b"d{}", b"d{}\n", b"d{}\nj{}", b"d{}\nd{}\ntx", b"d[]\ntx", b'd{"tags":1}\ntx']
)
def test_malformed_details_are_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match="details"):
        unpack(payload)


@pytest.mark.parametrize("data", [None, 1, bytearray(b"x"), ["x"]])
def test_data_must_be_text_or_bytes(data: object) -> None:
    with pytest.raises(TypeError, match="str or bytes"):
        pack(data)  # type: ignore[arg-type]


def test_lone_surrogates_are_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        pack("\ud800")


def test_a_carrier_can_be_split_off() -> None:
    payload = carry(pack("x"), {"traceparent": "é"})
    assert split_carrier(payload) == ({"traceparent": "é"}, b"tx")
    with pytest.raises(ValueError, match="begins with b'c'"):
        unpack(payload)


def test_an_empty_carrier_adds_nothing() -> None:
    assert carry(b"tx", {}) == b"tx"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"tx",
        b"c",
        b"c\x00",
        b"c\x00\x02{}",
        b"c\x00\x09{}tx",
        b"c\x00\x02[]tx",
        b'c\x00\x07{"a":1}tx',
        b"c" + (MAX_CARRIER + 1).to_bytes(2, "big") + b" " * (MAX_CARRIER + 9),
    ],
)
def test_invalid_carriers_are_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match="a payload"):
        split_carrier(payload)
