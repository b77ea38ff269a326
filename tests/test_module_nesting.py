"""Modules in modules: names, prefixes, hosts, pipelines set before and after the routes."""

from __future__ import annotations

from typing import Any

import pytest

from emmett import App, Pipe, url, websocket
from emmett.errors import ConfigurationError
from emmett.module import AppModule
from tests.asgi.peers import WebsocketPeer, fetch


class Sign(Pipe):
    def __init__(self, text: str) -> None:
        self.text = text

    async def pipe_request(self, next_pipe: Any, /, **kwargs: Any) -> Any:
        return f"{self.text}({await next_pipe(**kwargs)})"

    async def on_send(self, data: Any, /) -> Any:
        return f"{self.text}({data})"


async def handler(**kwargs: object) -> str:
    return "x"


async def talk() -> None:
    await websocket.send("x")


async def texts(app: App, target: str) -> tuple[str, str]:
    """Return what a request and a websocket at a path give."""
    peer = WebsocketPeer(app, target)
    message = await peer.receive()
    assert await peer.closed() == (1000, "")
    return (await fetch(app, target)).text, str(message)


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        ("one", "two", "/one/two/x"),
        ("/one/", "/two/", "/one/two/x"),
        ("one", None, "/one/x"),
        (None, "two", "/two/x"),
        (None, None, "/x"),
        ("", "/", "/x"),
        ("<int:id>", "two", "/<int:id>/two/x"),
        ("a/b", "c", "/a/b/c/x"),
    ],
)
def test_prefixes_add_up(outer: str | None, inner: str | None, expected: str) -> None:
    app = App(__name__)
    module = app.module(__name__, "outer", url_prefix=outer).module(__name__, "inner", url_prefix=inner)
    module.route("/x")(handler)
    assert app.routes[-1].path == expected


async def test_a_variable_in_a_prefix_reaches_every_handler() -> None:
    app = App(__name__)
    rooms = app.module(__name__, "rooms", url_prefix="rooms/<str:room>")

    @rooms.route("/<int:id>")
    async def message(room: str, id: int) -> str:
        return f"{id} in {room} at {url('.message', [room, id + 1])}"

    assert (await fetch(app, "/rooms/lobby/7")).text == "7 in lobby at /rooms/lobby/8"


def test_names_add_up() -> None:
    app = App(__name__)
    inner = app.module("import.name", "outer").module("import.name", "inner")
    inner.route(["/a", "/b"])(handler)
    inner.websocket("/c", name="live")(talk)
    assert [info.name for info in app.routes[1:]] == [
        "outer.inner.handler",
        "outer.inner.handler.1",
        "outer.inner.live",
    ]
    assert (inner.name, inner.import_name) == ("outer.inner", "import.name")


def test_two_modules_may_use_the_same_name() -> None:
    app = App(__name__)
    for name in ("one", "two"):
        module = app.module(__name__, name, url_prefix=name)
        module.route("/")(handler)
        module.module(__name__, "common", url_prefix="common").route("/")(handler)
    assert {info.name for info in app.routes[1:]} == {
        "one.handler",
        "one.common.handler",
        "two.handler",
        "two.common.handler",
    }


@pytest.mark.parametrize("name", ["", "a.b", "a b", "a-b", "1a", "ünïcode!", "/a"])
def test_an_invalid_module_name_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="expected an identifier, such as 'blog'"):
        App(__name__).module(__name__, name)


def test_a_duplicate_name_is_refused() -> None:
    app = App(__name__)
    blog = app.module(__name__, "blog")
    blog.module(__name__, "blog")
    with pytest.raises(ConfigurationError, match="module name 'blog' is taken in the application"):
        app.module(__name__, "blog")
    with pytest.raises(ConfigurationError, match="module name 'blog' is taken in blog"):
        blog.module(__name__, "blog")


async def test_the_host_of_a_module_applies_to_nested_modules() -> None:
    app = App(__name__)
    api = app.module(__name__, "api", hostname="api.example.org")
    inner = api.module(__name__, "inner", url_prefix="inner")
    other = api.module(__name__, "other", url_prefix="other", hostname="other.example.org")
    inner.route("/", name="x")(handler)
    inner.route("/own", name="own", hostname="own.example.org")(handler)
    other.route("/", name="x")(handler)
    hosts = {info.name: info.hostname for info in app.routes[1:]}
    assert hosts == {
        "api.inner.x": "api.example.org",
        "api.inner.own": "own.example.org",
        "api.other.x": "other.example.org",
    }
    for target, host, status in (
        ("/inner", "api.example.org", 200),
        ("/inner", "example.org", 404),
        ("/other", "other.example.org", 200),
        ("/other", "api.example.org", 404),
        ("/inner/own", "own.example.org", 200),
    ):
        assert (await fetch(app, target, headers=[("host", host)])).status == status


def pipelined(order: str) -> App:
    """An application whose pipelines are set before or after its routes are registered, inner or outer first."""
    app = App(__name__)
    outer = app.module(__name__, "outer")
    inner = outer.module(__name__, "inner")
    levels: list[tuple[AppModule, str]] = [(app, "app"), (outer, "outer"), (inner, "inner")]
    if order == "inside out":
        levels.reverse()

    def register() -> None:
        inner.route("/", pipeline=[Sign("route")])(handler)
        inner.websocket("/", pipeline=[Sign("route")])(talk)

    if order != "before":
        register()
    for level, name in levels:
        level.pipeline = [Sign(f"{name} 1"), Sign(f"{name} 2")]
    if order == "before":
        register()
    return app


@pytest.mark.parametrize("order", ["before", "after", "inside out"])
async def test_pipelines_nest_in_whatever_order_they_are_set(order: str) -> None:
    names = ["app 1", "app 2", "outer 1", "outer 2", "inner 1", "inner 2", "route"]
    expected = "(".join([*names, "x"]) + ")" * len(names)
    app = pipelined(order)
    assert await texts(app, "/") == (expected, expected)
    assert all(info.pipeline == ("Sign",) * 7 for info in app.routes[1:])


async def test_a_pipeline_can_be_replaced() -> None:
    app = App(__name__)
    app.pipeline = [Sign("old")]
    app.route("/")(handler)
    app.websocket("/")(talk)
    app.pipeline = [Sign("new")]
    assert await texts(app, "/") == ("new(x)", "new(x)")
    app.pipeline = []
    assert await texts(app, "/") == ("x", "x")
    assert list(app.pipeline) == []


async def test_modules_do_not_see_the_pipelines_of_their_neighbours() -> None:
    app = App(__name__)
    for name in ("one", "two"):
        module = app.module(__name__, name, url_prefix=name)
        module.pipeline = [Sign(name)]
        module.route("/")(handler)
        module.websocket("/")(talk)
    assert await texts(app, "/one") == ("one(x)", "one(x)")
    assert await texts(app, "/two") == ("two(x)", "two(x)")


class Greedy(Pipe):
    def on_receive(self) -> Any:  # type: ignore[override]
        return None


@pytest.mark.parametrize(
    ("pipes", "message"),
    [
        (Sign("x"), r"the pipeline of blog: pipeline is a single pipe; write pipeline=\[Sign"),
        ([Sign], r"Sign\("),
        (["x"], "'x'"),
        ([Sign("new"), Greedy()], r"Greedy\.on_receive takes \(\).*: it must be declared as \(self, data\)"),
    ],
)
async def test_assigning_an_invalid_pipeline_changes_nothing(pipes: Any, message: str) -> None:
    app = App(__name__)
    app.pipeline = [Sign("app")]
    blog = app.module(__name__, "blog")
    blog.pipeline = [Sign("old")]
    blog.route("/")(handler)
    blog.websocket("/")(talk)
    with pytest.raises(ConfigurationError, match=message):
        blog.pipeline = pipes
    assert await texts(app, "/") == ("app(old(x))", "app(old(x))")
    assert [info.pipeline for info in app.routes[1:]] == [("Sign", "Sign")] * 2
