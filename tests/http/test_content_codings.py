from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.http.content_codings import choose_coding

ALL = ("br", "zstd", "gzip")


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        # Headers that browsers send.
        ("gzip, deflate", "gzip"),
        ("gzip, deflate, br", "br"),
        ("gzip, deflate, br, zstd", "br"),
        # Weights.
        ("br;q=0.5, gzip", "gzip"),
        ("br;q=0.5, gzip;q=0.501", "gzip"),
        ("br;q=0.001", "br"),
        ("br;q=0, gzip;q=0.0, zstd;q=0.000", "identity"),
        ("br ; q=0.2 , gzip\t;\tq=0.3", "gzip"),
        ("br;Q=0.2, gzip;q=1.000", "gzip"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        # Not even identity.
        (None, "identity"),
        ("", "identity"),
        (",", "identity"),
        ("identity", "identity"),
        ("deflate", "identity"),
        ("identity, br;q=0.9", "identity"),
        ("identity;q=0.5, br;q=0.9", "br"),
        ("identity;q=0.9, br;q=0.9", "br"),
        # Any coding.
        ("*", "br"),
        ("*;q=0.1", "br"),
        ("br;q=0, *", "zstd"),
        ("gzip;q=0.5, *;q=0.1", "gzip"),
        ("*;q=0.5, identity", "identity"),
        # Refusals.
        ("identity;q=0", None),
        ("*;q=0", None),
        ("deflate, *;q=0", None),
        ("identity;q=0, gzip", "gzip"),
        ("gzip, *;q=0", "gzip"),
        ("*;q=0, identity;q=0.1", "identity"),
        # Elements that break the grammar are ignored.
        ("gzip;q=2", "identity"),
        ("gzip;q=-1", "identity"),
        ("gzip;q=0.0001", "identity"),
        ("gzip;q=", "identity"),
        ("gzip;x=1", "identity"),
        ("gzip br", "identity"),
        ("gzip;q=0,5, br", "br"),
        ("gz ip, br", "br"),
    ],
)
def test_the_coding_is_the_one_that_the_client_prefers(header: str | None, coding: str | None) -> None:
    assert choose_coding(header, ALL) == coding


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        (None, "identity"),
        ("br", "identity"),
        ("*", "identity"),
        ("gzip, identity;q=0.1", "identity"),
        ("gzip, identity;q=0", None),
        ("br, *;q=0", None),
    ],
)
def test_without_compressed_forms_there_is_only_identity(header: str | None, coding: str | None) -> None:
    assert choose_coding(header, ()) == coding


@given(st.text() | st.text(alphabet="*brgzip,;q=01. \t"))
def test_any_header_has_a_result(header: str) -> None:
    assert choose_coding(header, ALL) in {*ALL, "identity", None}


@pytest.mark.parametrize("unit", [",", ";", "a", " ", "\t", "br,", "a;q=0,", ";q=", "*;q=1,", "0", "a ;", "a\t"])
def test_a_flood_of_codings_takes_linear_time(unit: str) -> None:
    # With quadratic time, this would run for minutes.
    flood = unit * ((1 << 18) // len(unit))
    for header in (flood, f"gzip;q=0.{flood}", f"gzip{flood}x"):
        assert choose_coding(header, ()) in ("identity", None)
