"""Templates: how they are found, rendered and escaped, and errors about them."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, TemplateNotFound, TemplateSyntaxError, UndefinedError

from emmett import App, Response, request, response, service, url
from emmett.dispatch import run_request
from emmett.errors import ConfigurationError
from emmett.templates import Templates
from tests.http.builders import make_request, read

_INCLUDE_INNER = "{% include 'parts/inner.html' %}"


def write(folder: Path, **files: str) -> None:
    """Write templates; `__` in a name stands for a slash."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def make_app(folder: Path) -> App:
    app = App(__name__)
    app.table.templates = app.templates = Templates(folder)
    return app


def nothing() -> dict[str, Any]:
    return {}


async def ask(app: App, path: str = "/", **options: Any) -> tuple[int, str, str | None]:
    answer = await run_request(app.table, make_request("GET", path, **options))
    return answer.status, (await read(answer.body)).decode(), answer.content_type


async def test_a_dict_fills_the_template_with_the_name_of_the_route(tmp_path: Path) -> None:
    write(tmp_path, index="<h1>{{ title }}</h1>", blog__post="<p>{{ number }}</p>")
    app = make_app(tmp_path)
    app.route("/", name="index")(lambda: {"title": "Hello"})
    app.module(__name__, "blog", "blog").route("/<int:number>", name="post")(lambda number: {"number": number})
    assert await ask(app) == (200, "<h1>Hello</h1>", "text/html; charset=utf-8")
    assert await ask(app, "/blog/7") == (200, "<p>7</p>", "text/html; charset=utf-8")


async def test_without_a_template_a_dict_is_json(tmp_path: Path) -> None:
    app = make_app(tmp_path / "none")
    app.route("/", name="index")(lambda: {"title": "Hello"})
    assert await ask(app) == (200, '{"title":"Hello"}', "application/json")


async def test_service_json_takes_precedence_over_a_template(tmp_path: Path) -> None:
    write(tmp_path, index="page")
    app = make_app(tmp_path)
    app.route("/", name="index", pipeline=[service.json])(lambda: {"a": 1})
    assert await ask(app) == (200, '{"a":1}', "application/json")


async def test_a_template_may_have_another_name(tmp_path: Path) -> None:
    write(tmp_path, page="<b>{{ word or 'none' }}</b>", plain="nothing to fill")
    app = make_app(tmp_path)
    app.route("/", name="index", template="page.html")(lambda: {"word": "x"})
    app.route("/plain", name="plain_page", template="plain.html")(lambda: None)
    app.route("/text", name="text", template="page.html")(lambda: "own text")
    app.route("/own", name="own", template="page.html")(lambda: Response("own", 418))
    assert (await ask(app))[1] == "<b>x</b>"
    assert (await ask(app, "/plain"))[1] == "nothing to fill"
    assert (await ask(app, "/text"))[1] == "own text"
    assert (await ask(app, "/own"))[:2] == (418, "own")


async def test_printed_values_are_escaped(tmp_path: Path) -> None:
    write(tmp_path, index="<p title='{{ text }}'>{{ text }}</p>{{ request.query_params.q }}")
    (tmp_path / "mail.txt").write_text("{{ text }}")
    (tmp_path / "feed.xml").write_text("{{ text }}")
    app = make_app(tmp_path)
    app.route("/", name="index")(lambda: {"text": "<script>'\"&"})
    app.route("/mail", name="mail", template="mail.txt")(lambda: {"text": "<a & b>"})
    app.route("/feed", name="feed", template="feed.xml")(lambda: {"text": "<a & b>"})
    escaped = "&lt;script&gt;&#39;&#34;&amp;"
    text = (await ask(app, query_string=b"q=%3Cb%3E"))[1]
    assert text == f"<p title='{escaped}'>{escaped}</p>&lt;b&gt;"
    # Unescaped text, which no browser may take for a page.
    assert await ask(app, "/mail") == (200, "<a & b>", "text/plain; charset=utf-8")
    assert await ask(app, "/feed") == (200, "&lt;a &amp; b&gt;", "text/xml; charset=utf-8")


async def test_templates_have_some_predefined_names(tmp_path: Path) -> None:
    write(tmp_path, index="{{ request.path }} {{ url('other', 5) }} {{ response.status }}")
    app = make_app(tmp_path)

    @app.route("/", name="index")
    async def index() -> dict[str, Any]:
        response.status = 202
        assert request.path == "/"
        assert url("other", 5) == "/other/5"
        return {}

    app.route("/other/<int:number>", name="other")(lambda number: "")
    assert await ask(app) == (202, "/ /other/5 202", "text/html; charset=utf-8")


async def test_values_override_predefined_names(tmp_path: Path) -> None:
    write(tmp_path, index="{{ url }} {{ session }}")
    app = make_app(tmp_path)
    app.route("/", name="index")(lambda: {"url": "a", "session": "b"})
    assert (await ask(app))[1] == "a b"


async def test_templates_extend_and_include_others(tmp_path: Path) -> None:
    write(tmp_path, base="<main>{% block content %}{% endblock %}</main>", part="[{{ word }}]")
    write(tmp_path, index="{% extends 'base.html' %}{% block content %}{% include 'part.html' %}{% endblock %}")
    app = make_app(tmp_path)
    app.route("/", name="index")(lambda: {"word": "x"})
    assert (await ask(app))[1] == "<main>[x]</main>"


async def test_a_template_and_those_it_names_are_read_in_a_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, base="{% block content %}{% endblock %}", parts__inner="x", parts__outer=_INCLUDE_INNER)
    write(tmp_path, index="{% extends 'base.html' %}{% block content %}{% include 'parts/outer.html' %}{% endblock %}")
    threads: set[int] = set()
    compile_template = Environment.compile

    def watch(self: Environment, *args: Any, **options: Any) -> Any:
        threads.add(threading.get_ident())
        return compile_template(self, *args, **options)

    monkeypatch.setattr(Environment, "compile", watch)
    assert await Templates(tmp_path).render("index.html", {}) == "x"
    assert threads
    assert threading.get_ident() not in threads


async def test_templates_may_include_each_other(tmp_path: Path) -> None:
    write(
        tmp_path, a="{% if deep %}{% include 'b.html' %}{% endif %}a", b="{% set deep = false %}{% include 'a.html' %}b"
    )
    assert await Templates(tmp_path).render("a.html", {"deep": True}) == "aba"


async def test_an_unused_broken_template_is_no_error(tmp_path: Path) -> None:
    write(
        tmp_path,
        broken="{% if %}",
        index="{% if use %}{% include 'broken.html' %}{% include 'none.html' %}{% endif %}x",
    )
    write(tmp_path, optional="{% include 'none.html' ignore missing %}y")
    templates = Templates(tmp_path)
    assert await templates.render("index.html", {"use": False}) == "x"
    assert await templates.render("optional.html", {}) == "y"
    with pytest.raises(TemplateSyntaxError):
        await templates.render("index.html", {"use": True})


@pytest.mark.parametrize("text", ["{% include 'idnex.html' %}", "{% extends 'idnex.html' %}", "{% import name as x %}"])
async def test_a_missing_named_template_is_an_error(text: str, tmp_path: Path) -> None:
    write(tmp_path, index="page", page=f"one\n{text}")
    with pytest.raises(ConfigurationError, match=r"no template 'idnex\.html'.*mean 'index\.html'") as caught:
        await Templates(tmp_path).render("page.html", {"name": "idnex.html"})
    cause = caught.value.__cause__
    assert isinstance(cause, TemplateNotFound)
    frames = traceback.extract_tb(cause.__traceback__)
    assert ("page.html", 2) in [(Path(frame.filename).name, frame.lineno) for frame in frames]


@pytest.mark.parametrize(
    ("text", "error", "line"), [("one\n{{ missing }}", UndefinedError, 2), ("{% if %}", TemplateSyntaxError, 1)]
)
async def test_an_error_states_template_and_line(
    text: str, error: type[Exception], line: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, index=text)
    app = make_app(tmp_path)
    app.route("/", name="index")(nothing)
    assert (await ask(app))[:2] == (500, "Internal Server Error")
    assert caplog.records[0].exc_info is not None
    assert caplog.records[0].exc_info[0] is error
    assert f'index.html", line {line}' in caplog.text


@pytest.mark.parametrize(
    "name",
    [
        "../secret.html",
        "a/../../secret.html",
        "/etc/passwd",
        "idnex.html",
        "nothing",
        "",
        "folder",
        "folder//page.html",
        "./index.html",
        "/index.html",
    ],
)
async def test_a_missing_template_is_reported(name: str, tmp_path: Path) -> None:
    write(tmp_path, secret="secret")
    write(tmp_path / "templates", index="page", folder__page="page")
    templates = Templates(tmp_path / "templates")
    with pytest.raises(ConfigurationError, match=f"there is no template '{name}' in .*templates; ") as caught:
        await templates.render(name, {})
    if name == "idnex.html":
        assert "did you mean 'index.html'?" in str(caught.value)


async def test_during_development_changed_files_are_read_again(tmp_path: Path) -> None:
    templates = Templates(tmp_path, reload=lambda: True)
    assert templates.find("index") is None
    write(tmp_path, index="first")
    assert templates.find("index") == "index.html"
    assert await templates.render("index.html", {}) == "first"
    write(tmp_path, index="the second")
    path = tmp_path / "index.html"
    later = path.stat().st_mtime + 10
    os.utime(path, (later, later))
    assert await templates.render("index.html", {}) == "the second"


async def test_in_production_files_are_read_once(tmp_path: Path) -> None:
    templates = Templates(tmp_path)
    assert templates.find("index") is None
    write(tmp_path, index="first", page="first")
    assert templates.find("index") is None
    assert await templates.render("page.html", {}) == "first"
    (tmp_path / "page.html").unlink()
    assert await templates.render("page.html", {}) == "first"


async def test_an_application_can_add_filters(tmp_path: Path) -> None:
    write(tmp_path, index="{{ 5 | money }}")
    app = make_app(tmp_path)
    app.templates.environment.filters["money"] = lambda value: f"{value:.2f} €"
    app.route("/", name="index")(nothing)
    assert (await ask(app))[1] == "5.00 €"


async def test_without_jinja2_it_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    write(tmp_path, index="page")
    app = make_app(tmp_path)
    with pytest.raises(ConfigurationError, match="pip install jinja2"):
        app.route("/page", name="page", template="index.html")(nothing)
    app.route("/", name="index")(lambda: {"a": 1})
    assert await ask(app) == (200, '{"a":1}', "application/json")
