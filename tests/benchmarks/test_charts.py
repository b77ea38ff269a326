from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from benchmarks.charts import LABEL_WIDTH, PADDING, VALUE_WIDTH, WIDTH, Bar, bar_chart, chapter_chart
from benchmarks.contestants import CONTESTANTS
from tests.benchmarks.results_data import results, sample

SVG = "{http://www.w3.org/2000/svg}"


def elements(picture: str, kind: str, name: str) -> list[ElementTree.Element]:
    found = ElementTree.fromstring(picture).iter(f"{SVG}{kind}")
    return [element for element in found if name in element.get("class", "").split()]


def test_a_chart_shows_every_contestant_in_order_with_its_figure() -> None:
    found = results(sample("ours", 200_000), sample("raw", 300_000), sample("starlette", 50_000))
    picture = chapter_chart(found, found.chapters[0])
    assert [text.text for text in elements(picture, "text", "label")] == ["raw TCP", "emmett", "Starlette"]
    assert [text.text for text in elements(picture, "text", "value")] == ["300,000", "200,000", "50,000"]
    assert [bar.get("class") for bar in elements(picture, "rect", "bar")] == ["bar limit", "bar own", "bar"]
    assert "messages/s, more is better" in picture
    assert "prefers-color-scheme: dark" in picture


def test_bars_are_as_long_as_their_figures_and_stay_in_the_picture() -> None:
    picture = bar_chart(
        "Title", "unit", [Bar("a", 200, 180, 240, "200"), Bar("b", 50, 50, 50, "50"), Bar("c", 0, 0, 0, "0")]
    )
    widths = [float(bar.get("width", "")) for bar in elements(picture, "rect", "bar")]
    assert widths[0] == 4 * widths[1]
    assert widths[2] == 0
    assert all(float(text.get("x", "")) <= WIDTH - VALUE_WIDTH for text in elements(picture, "text", "value"))


def test_a_spread_is_drawn_if_there_is_one() -> None:
    picture = bar_chart("Title", "unit", [Bar("a", 200, 100, 400, "200"), Bar("b", 50, 50, 50, "50")])
    (line,) = elements(picture, "line", "spread")
    start = PADDING + LABEL_WIDTH
    assert float(line.get("x2", "")) - start == 4 * (float(line.get("x1", "")) - start)


def test_charts_say_where_less_is_better() -> None:
    found = results(sample("ours", 6000, scenario="memory-5000"))
    assert "kB/connection, less is better" in chapter_chart(found, found.chapters[0])


def test_names_are_escaped() -> None:
    picture = bar_chart("<a> & b", "x < y", [Bar("<&>", 1, 1, 1, "1")])
    assert ElementTree.fromstring(picture)[0].text == "<a> & b"


def test_a_chart_may_have_no_bars() -> None:
    assert ElementTree.fromstring(bar_chart("Title", "unit", [])).get("width") == str(WIDTH)


def test_the_titles_of_the_contestants_fit() -> None:
    # The width of a letter of an average system font, in pixels at a size of 13.
    assert max(len(contestant.title) for contestant in CONTESTANTS.values()) * 7.2 <= LABEL_WIDTH - 10
