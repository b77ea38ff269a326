from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.errors import UsageError
from emmett.http.negotiation import MAX_RANGES, best_media_type
from tests.work import check_linear

HTML, JSON, TEXT = "text/html", "application/json", "text/plain"
CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "offered", "best"),
    [
        # No preference: the first offer.
        ("", (JSON, HTML), JSON),
        ("*/*", (JSON, HTML), JSON),
        # Weights.
        (CHROME, (JSON, HTML), HTML),
        (CHROME, (JSON, TEXT), JSON),
        ("text/html;q=0.5, application/json", (HTML, JSON), JSON),
        ("text/html;q=0.5, application/json;q=0.50", (HTML, JSON), HTML),
        ("text/html ; q=0.1\t, text/* ; q=0.2", (HTML, TEXT), TEXT),
        ("text/html;q=0.001", (HTML,), HTML),
        # Nothing matches.
        ("image/png", (HTML, JSON), None),
        ("text/html;q=0", (HTML,), None),
        ("*/*;q=0.0", (HTML,), None),
        # The most specific range counts, regardless of its place.
        ("*/*, text/html;q=0", (HTML, JSON), JSON),
        ("text/*;q=0.9, text/plain;q=0.1, */*;q=0.5", (TEXT, JSON, HTML), HTML),
        ("text/html;level=1, text/html;q=0.4", (HTML, "text/html;level=1"), "text/html;level=1"),
        ("text/html;level=1;q=0.3, text/html;q=0.7", (HTML, "text/html; Level=1"), HTML),
        ("text/html;level=2", (HTML,), None),
        ('application/ld+json;profile="a;b, \\"c\\""', ('application/ld+json; profile="a;b, \\"c\\""',), "itself"),
        # Upper case, empty elements.
        (", TEXT/HTML;Q=0.5,, ,", (JSON, HTML), HTML),
        # The result is spelled as in the offer.
        ("text/html", ("Text/HTML",), "Text/HTML"),
        # Parameters after the weight do not belong to the type.
        ("text/html;q=1;ext=1", (HTML,), HTML),
    ],
)
def test_the_best_offer_is_chosen(accept: str, offered: tuple[str, ...], best: str | None) -> None:
    assert best_media_type(accept, offered) == (offered[0] if best == "itself" else best)


@pytest.mark.parametrize(
    "accept",
    [
        "text",
        "text/",
        "/html",
        "*/html",
        "text/html;q=2",
        "text/html;q=",
        "text/html;q=-1",
        "text/html;q=1e1",
        "te xt/html",
    ],
)
def test_unreadable_ranges_are_ignored(accept: str) -> None:
    assert best_media_type(accept, (JSON, HTML)) == JSON
    assert best_media_type(f"{accept}, text/html;q=0.1", (JSON, HTML)) == HTML


def test_the_number_of_ranges_is_limited() -> None:
    many = ", ".join(f"x/y{number}" for number in range(MAX_RANGES - 1))
    assert best_media_type(f"{many}, text/html", (HTML,)) == HTML
    assert best_media_type(f"{many}, x/y, text/html", (HTML,)) is None


@pytest.mark.parametrize("offered", ["html", "text/*", "*/*", "", "text/html, text/plain", "text/html;q=2"])
def test_an_offer_must_be_a_media_type(offered: str) -> None:
    with pytest.raises(UsageError, match="expected a type and a subtype"):
        best_media_type("*/*", (HTML, offered))


def test_at_least_one_offer_is_required() -> None:
    with pytest.raises(UsageError, match="needs the media types"):
        best_media_type("*/*", ())


@pytest.mark.parametrize(
    "unit", [",", ";", '"', '"\\', "\\", "a/b,", "a/b;", 'a/b;x="', "a/b;q=1;", " ", "=", 'a="\\";']
)
def test_a_flood_of_ranges_takes_linear_time(unit: str) -> None:
    def choose(size: int) -> None:
        flood = unit * (size // len(unit))
        best_media_type(flood, (HTML, JSON))
        best_media_type("text/html;" + flood, (HTML, JSON))

    check_linear(choose, 1 << 18)


@given(accept=st.text() | st.text(alphabet='*/;,q=01."\\ ath'))
def test_any_header_has_a_result(accept: str) -> None:
    assert best_media_type(accept, (HTML, JSON)) in (HTML, JSON, None)
