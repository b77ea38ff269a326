"""`url`: applications, names and modules."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import TypeVar

import pytest

import emmett.urls
from emmett import App, url
from emmett.errors import ConfigurationError, UsageError
from emmett.urls import current_place

T = TypeVar("T")


def inside(app: App, call: Callable[[], T], module: str = "") -> T:
    """Call something as a handler of an application would."""

    def run() -> T:
        current_place.set(app.place.inside(module))
        return call()

    return contextvars.Context().run(run)


def make_app() -> App:
    app = App(__name__)

    @app.route("/")
    async def index() -> str:
        return ""

    @app.route(["/about", "/about/us"])
    async def about() -> str:
        return ""

    blog = app.module(__name__, "blog", url_prefix="blog")

    @blog.route("/", name="index")
    async def blog_index() -> str:
        return ""

    @blog.route("/<int:id>")
    async def post(id: int) -> str:
        return ""

    @blog.websocket("/live/<str:name>")
    async def live(name: str) -> None: ...

    return app


def test_a_name_becomes_a_path() -> None:
    app = make_app()
    assert inside(app, lambda: url("index")) == "/"
    assert inside(app, lambda: url("about")) == "/about"
    assert inside(app, lambda: url("about.1")) == "/about/us"
    assert inside(app, lambda: url("blog.index")) == "/blog"
    assert inside(app, lambda: url("blog.post", 5)) == "/blog/5"
    assert inside(app, lambda: url(".post", [5], params={"a": 1}, anchor="x"), "blog") == "/blog/5?a=1#x"
    assert inside(app, lambda: url("static", "js/a.js")) == "/static/js/a.js"
    assert inside(app, lambda: url("/plain", ["a", 1])) == "/plain/a/1"
    assert inside(app, lambda: url("about", scheme="https", host="h.org")) == "https://h.org/about"
    assert inside(app, lambda: url.ws("blog.live", "a b", scheme="wss", host="h.org")) == "wss://h.org/blog/live/a%20b"


def test_static_urls_contain_the_version() -> None:
    app = make_app()
    app.config.http.static_version = "7"
    assert inside(app, lambda: url("static", "js/a.js")) == "/static/_7/js/a.js"
    assert inside(app, lambda: url("static", ["é.css"], anchor="x")) == "/static/_7/%C3%A9.css#x"
    assert inside(app, lambda: url("about")) == "/about"
    for args in (None, 5, [], ["a", "b"]):
        with pytest.raises(ConfigurationError, match="expected the name of a file"):
            inside(app, lambda args=args: url("static", args))  # type: ignore[misc]


def test_an_unknown_name_lists_close_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"blog\.post"):
        inside(make_app(), lambda: url("blog.pots"))


def test_outside_of_handlers_it_requires_exactly_one_application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emmett.urls, "_places", [])
    with pytest.raises(UsageError, match="no application"):
        url("index")
    make_app()
    assert url("about") == "/about"
    make_app()
    with pytest.raises(UsageError, match="several applications"):
        url("about")
