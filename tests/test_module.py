"""Registration: names, prefixes, pipelines, and mistakes that fail at once."""

from __future__ import annotations

from typing import Any

import pytest

from emmett import App, Pipe, requires
from emmett.errors import ConfigurationError


class Outer(Pipe): ...


class Middle(Pipe): ...


class Inner(Pipe): ...


async def handler(**kwargs: object) -> None: ...


def test_registered_routes_can_be_listed() -> None:
    app = App(__name__)
    app.route("/a/<int:id>", name="numbered", methods=["put", "get"], hostname="example.org")(handler)
    app.websocket(["/b", "/c"], schemes="wss")(handler)
    listed = [(info.kind, info.methods, info.path, info.name, info.hostname) for info in app.routes[1:]]
    assert listed == [
        ("http", ("PUT", "GET"), "/a/<int:id>", "numbered", "example.org"),
        ("websocket", (), "/b", "handler", None),
        ("websocket", (), "/c", "handler.1", None),
    ]


def test_the_path_defaults_to_the_name() -> None:
    app = App(__name__)
    app.websocket()(handler)
    assert app.routes[-1].path == "/handler"


def test_modules_nest_names_prefixes_hosts_and_pipelines() -> None:
    app = App(__name__)
    app.pipeline = [Outer()]
    outer = app.module(__name__, "outer", url_prefix="/one/", hostname="example.org")
    inner = outer.module(__name__, "inner", url_prefix="two")
    inner.pipeline = [Middle()]

    @inner.route("/x", name="handler", pipeline=[Inner()], prefix="three")
    @requires(lambda: True)
    async def guarded() -> None: ...

    inner.route("/", name="root")(handler)
    info, root = app.routes[1:]
    assert (info.name, info.path, info.hostname) == ("outer.inner.handler", "/one/two/three/x", "example.org")
    assert info.pipeline == ("Outer", "Middle", "Inner", "Requires")
    assert root.path == "/one/two(/)?"


def test_a_pipeline_set_later_applies_to_earlier_routes() -> None:
    app = App(__name__)
    module = app.module(__name__, "module")
    module.route("/x")(handler)
    app.pipeline = [Outer()]
    assert app.routes[-1].pipeline == ("Outer",)
    with pytest.raises(ConfigurationError):
        app.pipeline = [Outer]  # type: ignore[list-item]
    assert app.routes[-1].pipeline == ("Outer",)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"paths": "/<what:x>"}, "what"),
        ({"paths": []}, "empty"),
        ({"methods": "fetch"}, "allowed are GET"),
        ({"methods": []}, "empty"),
        ({"schemes": "ftp"}, "allowed are http"),
        ({"output": "xml"}, "allowed are auto"),
        ({"name": "a.b"}, "dot"),
        ({"pipeline": [object()]}, "Pipe"),
        ({"pipeline": Outer()}, r"pipeline=\[Outer"),
    ],
)
def test_mistakes_in_a_route_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        App(__name__).route(**options)(handler)


def test_mistakes_in_a_websocket_route_are_refused() -> None:
    app = App(__name__)
    with pytest.raises(ConfigurationError, match="max_message_size"):
        app.websocket("/a", max_message_sise=1)(handler)  # type: ignore[call-arg]
    with pytest.raises(ConfigurationError, match="async def"):
        app.websocket("/b")(lambda: None)
    with pytest.raises(ConfigurationError, match="allowed are ws"):
        app.websocket("/c", schemes="http")(handler)


def test_a_duplicate_route_is_refused() -> None:
    app = App(__name__)
    app.route("/a", name="one")(handler)
    with pytest.raises(ConfigurationError):
        app.route("/a", name="two")(handler)
    with pytest.raises(ConfigurationError):
        app.route("/b", name="one")(handler)


def test_decorators_require_parentheses() -> None:
    app = App(__name__)
    with pytest.raises(SyntaxError, match=r"@app\.route\(\)"):
        app.route(handler)  # type: ignore[arg-type]
    with pytest.raises(SyntaxError, match=r"@app\.websocket\(\)"):
        app.websocket(handler)  # type: ignore[arg-type]


def test_invalid_and_duplicate_module_names_are_refused() -> None:
    app = App(__name__)
    app.module(__name__, "blog")
    for name in ("blog", "not a name", "a.b"):
        with pytest.raises(ConfigurationError, match="module name"):
            app.module(__name__, name)
