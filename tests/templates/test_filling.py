"""Handlers whose results fill templates: which results, where in the pipeline, and with which session values."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from emmett import App, Pipe, response, service
from emmett.errors import ConfigurationError
from emmett.security import CSRF, SecurityHeaders
from emmett.sessions import SessionManager
from emmett.templates import Templates, fill_template


def make_templates(folder: Path, **files: str) -> Templates:
    for name, text in files.items():
        (folder / f"{name}.html").write_text(text, "utf-8")
    return Templates(folder)


def nothing() -> dict[str, Any]:
    return {}


async def later() -> dict[str, int]:
    return {"number": 2}


async def test_plain_and_async_handlers_get_their_arguments(tmp_path: Path) -> None:
    templates = make_templates(tmp_path, page="<{{ number }}>")
    plain = fill_template(lambda number: {"number": number}, templates, "page", None)
    coroutine = fill_template(later, templates, "other", "page.html")
    assert plain is not None
    assert coroutine is not None
    assert await plain(number=1) == "<1>"
    assert await coroutine() == "<2>"


@pytest.mark.parametrize("result", ["text", b"bytes", [1], 5])
async def test_other_results_are_not_changed(result: Any, tmp_path: Path) -> None:
    fill = fill_template(lambda: result, make_templates(tmp_path, page="page"), "page", None)
    assert fill is not None
    assert await fill() is result


async def test_none_fills_only_a_named_template(tmp_path: Path) -> None:
    templates = make_templates(tmp_path, page="page")
    own, named = (fill_template(lambda: None, templates, "page", name) for name in (None, "page.html"))
    assert own is not None
    assert named is not None
    assert (await own(), await named()) == (None, "page")


def test_a_route_without_a_template_is_not_changed(tmp_path: Path) -> None:
    assert fill_template(later, make_templates(tmp_path), "page", None) is None


def test_during_development_a_template_may_be_added_later(tmp_path: Path) -> None:
    assert fill_template(later, Templates(tmp_path, reload=lambda: True), "page", None) is not None


@pytest.mark.parametrize(
    ("suffix", "content_type"),
    [
        ("html", "text/html; charset=utf-8"),
        ("htm", "text/html; charset=utf-8"),
        ("txt", "text/plain; charset=utf-8"),
        ("svg", "image/svg+xml"),
        ("jinja", "text/html; charset=utf-8"),
    ],
)
async def test_the_suffix_determines_the_media_type(suffix: str, content_type: str, tmp_path: Path) -> None:
    (tmp_path / f"page.{suffix}").write_text("page")
    app = make_app(tmp_path, "page")

    @app.route("/own", template=f"page.{suffix}")
    async def own() -> dict[str, Any]:
        response.content_type = "text/x-own"
        return {}

    app.route("/", template=f"page.{suffix}")(nothing)
    async with app.test_client_async() as client:
        assert (await client.get("/")).headers["content-type"] == content_type
        assert (await client.get("/own")).headers["content-type"] == "text/x-own"


def test_jinja2_is_loaded_before_the_first_request(tmp_path: Path) -> None:
    templates = make_templates(tmp_path, page="page")
    assert templates._environment is None
    fill_template(nothing, templates, "page", None)
    assert templates._environment is not None


def test_a_named_template_without_jinja2_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ConfigurationError, match="need jinja2"):
        fill_template(later, Templates(tmp_path), "page", "page.html")


def make_app(folder: Path, text: str) -> App:
    app = App(__name__)
    app.table.templates = app.templates = make_templates(folder, page=text)
    return app


async def test_pipes_see_the_page(tmp_path: Path) -> None:
    app = make_app(tmp_path, "page {{ number }}")
    seen: list[Any] = []

    class Watch(Pipe):
        async def pipe_request(self, next_pipe: Any, /, **kwargs: Any) -> Any:
            seen.append(await next_pipe(**kwargs))
            return seen[-1]

    app.route("/", name="page", pipeline=[Watch()])(later)
    async with app.test_client_async() as client:
        assert (await client.get("/")).text == "page 2"
    assert seen == ["page 2"]


async def test_a_pipeline_with_json_skips_templates(tmp_path: Path) -> None:
    app = make_app(tmp_path, "page")
    app.route("/", name="page")(later)
    async with app.test_client_async() as client:
        assert (await client.get("/")).text == "page"
    app.pipeline = [service.json]
    async with app.test_client_async() as client:
        assert (await client.get("/")).json() == {"number": 2}


async def test_values_that_a_page_adds_to_the_session_are_saved(tmp_path: Path) -> None:
    app = make_app(tmp_path, "{{ csrf_field() }} {{ csrf_token() }} {{ csp_nonce() }} {{ session.user or 'nobody' }}")
    app.pipeline = [SecurityHeaders(), SessionManager.cookies("a secret of some length"), CSRF()]
    app.route("/", name="page")(nothing)
    app.route("/send", methods="post")(lambda: "sent")
    async with app.test_client_async() as client:
        page = await client.get("/")
        found = re.fullmatch(
            r'<input type="hidden" name="csrf_token" value="([\w-]+)"> ([\w-]+) ([\w-]+) nobody', page.text
        )
        assert found
        assert f"'nonce-{found[3]}'" in page.headers["content-security-policy"]
        for token in found.groups()[:2]:
            assert (await client.post("/send", data={"csrf_token": token})).status == 200
