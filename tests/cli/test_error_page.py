"""The page that `emmett develop` shows when a handler has failed."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest

from emmett import App
from emmett.cli.error_page import MAX_ERRORS, render_error_page


def raised(source: str, folder: Path) -> BaseException:
    """Run the function `fail` of a file and return the exception that it raises."""
    file = folder / "shop.py"
    file.write_text(source)
    names: dict[str, Any] = {}
    exec(compile(source, str(file), "exec"), names)
    with pytest.raises(BaseException) as caught:  # noqa: PT011
        names["fail"]()
    return caught.value


def text_of(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", page.split("</style>")[1]))


def test_the_page_shows_the_error_its_lines_and_the_request(tmp_path: Path) -> None:
    error = raised("def fail():\n    price = 1\n    return price / 0\n", tmp_path)
    page = render_error_page(error, "GET /price")
    assert "<title>ZeroDivisionError: division by zero</title>" in page
    assert "GET /price" in page
    assert "<span class=failed><i>3</i>    return price / 0</span>" in page
    assert "shop.py, line 3, in fail" in text_of(page)


def test_text_from_an_attacker_is_escaped(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    error = raised(f"def fail():\n    raise ValueError({hostile!r})  # {hostile}\n", tmp_path)
    page = render_error_page(error, f"GET /{hostile}")
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 4


def test_nothing_is_loaded_from_other_sites(tmp_path: Path) -> None:
    page = render_error_page(raised("def fail():\n    1 / 0\n", tmp_path), "GET /")
    assert not re.search(r"https?:|src=|href=|url\(|@import", page)


def test_causes_and_groups_are_shown(tmp_path: Path) -> None:
    source = """
def fail():
    try:
        {}["key"]
    except KeyError as error:
        raise ExceptionGroup("all", [ValueError("one"), TypeError("two")]) from error
"""
    text = text_of(render_error_page(raised(source, tmp_path), "GET /"))
    for part in (
        "ExceptionGroup: all",
        "Caused by KeyError: 'key'",
        "In this group: ValueError: one",
        "TypeError: two",
    ):
        assert part in text, part


def test_a_long_chain_of_causes_is_cut(tmp_path: Path) -> None:
    error = Exception("0")
    for number in range(3 * MAX_ERRORS):
        following = Exception(str(number))
        following.__cause__ = error
        error = following
    assert render_error_page(error, "GET /").count("<h2>") == MAX_ERRORS - 1


def test_frames_of_libraries_are_folded(tmp_path: Path) -> None:
    page = render_error_page(raised("import json\ndef fail():\n    json.loads('{')\n", tmp_path), "GET /")
    before, _, after = page.partition("<details>")
    assert "decoder.py" not in before
    assert "decoder.py" in after


@pytest.mark.parametrize("developing", [True, False])
def test_only_a_browser_during_development_gets_it(developing: bool) -> None:
    app = App(__name__)
    if developing:
        app.table.explain_error = render_error_page

    @app.route("/")
    async def index() -> str:
        raise LookupError("secret of the application")

    with app.test_client() as client:
        page = client.get("/", headers={"accept": "text/html,*/*"})
        plain = client.get("/", headers={"accept": "application/json"})
    assert (page.status, plain.status) == (500, 500)
    assert ("secret of the application" in page.text) is developing
    assert "secret" not in plain.text
