from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.channels import Kind
from emmett.channels.envelope import pack, unpack


@given(st.text() | st.binary())
def test_data_comes_out_as_it_went_in(data: str | bytes) -> None:
    assert unpack(pack(data)) == (data, Kind.MESSAGE)


@pytest.mark.parametrize("kind", [Kind.JOIN, Kind.LEAVE])
def test_kinds_come_out_as_they_went_in(kind: Kind) -> None:
    assert unpack(pack("{}", kind)) == ("{}", kind)


@given(st.binary())
def test_any_bytes_are_read_or_refused(payload: bytes) -> None:
    try:
        data, kind = unpack(payload)
    except ValueError:
        return
    assert pack(data, kind) == payload


@pytest.mark.parametrize("data", [None, 1, bytearray(b"x"), ["x"]])
def test_data_is_text_or_bytes(data: object) -> None:
    with pytest.raises(TypeError, match="str or bytes"):
        pack(data)  # type: ignore[arg-type]


def test_lone_surrogates_are_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        pack("\ud800")
