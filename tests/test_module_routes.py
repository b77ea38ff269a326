"""Every argument of `route` and `websocket`, as a request or a handshake sees it."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from emmett import App, Pipe, websocket
from emmett.errors import ConfigurationError
from tests.asgi.peers import WebsocketPeer, fetch


async def handler(**variables: Any) -> str:
    return "handler"


async def talk(**variables: Any) -> None:
    await websocket.send("talk")


async def status(app: App, target: str, method: str = "GET", host: str = "localhost", **changes: Any) -> int:
    return (await fetch(app, target, method, headers=[("host", host)], **changes)).status


async def opens(app: App, target: str, host: str = "localhost", **changes: Any) -> bool:
    """Return whether a websocket opens at a path; a refusal must have status 404."""
    peer = WebsocketPeer(app, target, headers=[("host", host)], **changes)
    event = await peer.next()
    if event["type"] == "websocket.http.response.start":
        assert event["status"] == 404
        await peer.task
        return False
    assert await peer.receive() == "talk"
    assert await peer.closed() == (1000, "")
    return True


@pytest.mark.parametrize(
    ("paths", "found", "missing"),
    [
        (None, ["/handler"], ["/", "/handler/"]),
        ("/", ["/"], ["/handler", "//"]),
        ("plain", ["/plain"], ["/plain/"]),
        ("/slash/", ["/slash/"], ["/slash"]),
        (["/one", "/two", "/three/<int:id>"], ["/one", "/two", "/three/3"], ["/three", "/handler"]),
        (("/tuple",), ["/tuple"], ["/handler"]),
        ("/optional(/<int:id>)?", ["/optional", "/optional/7"], ["/optional/", "/optional/x"]),
    ],
)
async def test_each_target_reaches_its_path(paths: Any, found: list[str], missing: list[str]) -> None:
    app = App(__name__)
    app.route(paths)(handler)

    @functools.wraps(handler)
    async def same_name(**variables: Any) -> None:
        await talk()

    app.websocket(paths)(same_name)
    for target in found:
        assert (await status(app, target), await opens(app, target)) == (200, True), target
    for target in missing:
        assert (await status(app, target), await opens(app, target)) == (404, False), target


async def test_a_route_answers_its_methods() -> None:
    app = App(__name__)
    app.route("/default")(handler)
    app.route("/one", name="one", methods="put")(handler)
    app.route("/some", name="some", methods=["Delete", "OPTIONS"])(handler)
    for method in ("GET", "POST", "HEAD"):
        assert await status(app, "/default", method) == 200
    assert [await status(app, "/one", method) for method in ("PUT", "GET")] == [200, 405]
    assert [await status(app, "/some", method) for method in ("DELETE", "OPTIONS", "PUT")] == [200, 200, 405]


async def test_a_route_answers_its_schemes() -> None:
    app = App(__name__)
    app.route("/both")(handler)
    app.route("/secure", name="secure", schemes="HTTPS")(handler)
    app.route("/plain", name="plain", schemes=["http"])(handler)
    app.websocket("/secure", schemes="wss")(talk)
    results = [
        (target, scheme, await status(app, target, scheme=scheme))
        for target in ("/both", "/secure", "/plain")
        for scheme in ("http", "https")
    ]
    assert [result[2] for result in results] == [200, 200, 404, 200, 200, 404]
    assert await opens(app, "/secure", scheme="wss")
    assert not await opens(app, "/secure", scheme="ws")


async def test_a_route_answers_its_hostname() -> None:
    app = App(__name__)
    app.route("/", name="api", hostname="API.example.com")(lambda: "api")
    app.route("/", name="any")(lambda: "any")
    app.route("/only", name="only", hostname="api.example.com")(handler)
    app.websocket("/", hostname="api.example.com")(talk)
    for host, text in (("api.example.com", "api"), ("Api.Example.com:81", "api"), ("www.example.com", "any")):
        assert (await fetch(app, headers=[("host", host)])).text == text
        assert await status(app, "/only", host=host) == (200 if text == "api" else 404)
    assert await opens(app, "/", "api.example.com:81")
    assert not await opens(app, "/", "www.example.com")


@pytest.mark.parametrize("prefix", ["blog", "/blog", "blog/", "/blog/"])
async def test_a_prefix_comes_before_each_path(prefix: str) -> None:
    app = App(__name__)
    app.route("/", name="root", prefix=prefix)(handler)
    app.route("/post", name="post", prefix=prefix)(handler)
    app.route("bare/", name="bare", prefix=prefix)(handler)
    app.route("(/<int:id>)?/edit", name="edit", prefix=prefix)(handler)
    app.websocket(prefix=prefix)(talk)
    for target in ("/blog", "/blog/", "/blog/post", "/blog/bare/", "/blog/edit", "/blog/5/edit"):
        assert await status(app, target) == 200, target
    for target in ("/", "/post", "/blog//", "/blog/bare", "//blog", "/blog/post/"):
        assert await status(app, target) == 404, target
    assert await opens(app, "/blog/talk")


async def test_a_route_has_a_pipeline_of_its_own() -> None:
    class Add(Pipe):
        def __init__(self, text: str) -> None:
            self.text = text

        async def pipe_request(self, next_pipe: Any, /, **kwargs: Any) -> Any:
            return self.text + await next_pipe(**kwargs)

        async def on_send(self, data: Any, /) -> Any:
            return self.text + data

    app = App(__name__)
    pipes = [Add("a"), Add("b")]
    app.route("/", pipeline=pipes)(handler)
    app.websocket("/", pipeline=tuple(pipes))(talk)
    # The route copies the list, so a later change by the application has no effect.
    pipes.clear()
    assert (await fetch(app)).text == "abhandler"
    assert await (peer := WebsocketPeer(app)).receive() == "abtalk"
    assert await peer.closed() == (1000, "")


async def test_a_websocket_route_has_settings_of_its_own() -> None:
    app = App(__name__)
    app.websocket("/own", max_message_size=5, inbox_messages=2, ping_interval=None)(talk)
    app.config.websocket.inbox_bytes = 99
    app.config.websocket.inbox_messages = 7
    match = app.table.websockets.match("/own", scheme="ws", host="")
    assert match.endpoint is not None
    settings = match.endpoint.settings
    assert (settings.max_message_size, settings.inbox_messages, settings.ping_interval) == (5, 2, None)
    assert (settings.inbox_bytes, settings.send_timeout) == (99, 10)


async def test_a_decorated_function_is_returned_unchanged() -> None:
    app = App(__name__)

    @app.route("/one", name="one")
    @app.route("/two", name="two")
    def both() -> str:
        return "both"

    assert both() == "both"
    assert [(await fetch(app, target)).text for target in ("/one", "/two")] == ["both", "both"]


class Callables:
    """Callables that are not plain functions."""

    async def method(self) -> str:
        return "method"

    def __call__(self) -> str:
        return "object"


async def test_other_callables_can_be_handlers() -> None:
    app = App(__name__)
    app.route()(Callables().method)
    app.route("/object", name="object")(Callables())
    app.route(name="partial")(functools.partial(handler, a=1))
    for target, text in (("/method", "method"), ("/object", "object"), ("/partial", "handler")):
        assert (await fetch(app, target)).text == text


@pytest.mark.parametrize("function", [Callables(), functools.partial(handler)])
def test_a_callable_without_a_name_needs_one(function: Any) -> None:
    with pytest.raises(ConfigurationError, match="give one with name="):
        App(__name__).route("/")(function)


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"paths": "/<int>"}, "/<int>"),
    ({"paths": "/<integer:id>"}, "no type 'integer'; types: int, float, str, alpha, any, date"),
    ({"paths": ["/fine", "/<int:id>/<int:id>"]}, "'id'"),
    ({"paths": "/(a(b)?)?"}, "nest"),
    ({"paths": ()}, "the list of paths is empty; leave it out to use the name as path"),
    ({"methods": ["get", "fetch"]}, "method 'fetch' is unknown; allowed are GET, POST, HEAD, PUT, PATCH, DELETE"),
    ({"methods": [5]}, "method 5 is unknown"),
    ({"methods": ()}, "method: the list is empty; allowed are GET"),
    ({"schemes": "ws"}, "scheme 'ws' is unknown; allowed are http, https"),
    ({"schemes": []}, "scheme: the list is empty"),
    ({"hostname": "example.org:80"}, "example.org:80"),
    ({"hostname": "*.example.org"}, r"\*\.example\.org"),
    ({"name": "blog.post"}, "a dot separates module and route"),
    ({"name": "/slash"}, "must not be empty nor start with a slash"),
    ({"errors": {200: "fine"}}, "errors: the code 200 is not an integer from 400 to 599"),
    ({"output": "xml"}, "output 'xml' is unknown; allowed are auto, bytes, str, iter"),
    ({"pipeline": [Pipe]}, r"the class Pipe: it must be a pipe, Pipe\("),
    ({"pipeline": ["login"]}, "'login'"),
    ({"pipeline": Pipe()}, r"pipeline is a single pipe; write pipeline=\[Pipe"),
]


@pytest.mark.parametrize(("options", "message"), ERRORS)
def test_an_error_about_a_route_says_what_is_allowed(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        App(__name__).route(**options)(handler)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        *(error for error in ERRORS if not {"methods", "schemes", "output", "errors"} & set(error[0])),
        ({"schemes": "http"}, "scheme 'http' is unknown; allowed are ws, wss"),
        ({"methods": "get"}, "no setting 'methods'"),
        ({"max_message_size": "1 MB"}, "max_message_size = '1 MB': expected a whole number of bytes, at least 1"),
        ({"origins": "example.org"}, "origins"),
    ],
)
def test_an_error_about_a_websocket_route_says_what_is_allowed(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        App(__name__).websocket(**options)(talk)


def test_an_error_names_the_function() -> None:
    with pytest.raises(ConfigurationError, match=r"route 'handler'"):
        App(__name__).route(methods="fetch")(handler)
    with pytest.raises(ConfigurationError, match=r"websocket 'talk'"):
        App(__name__).websocket(schemes="http")(talk)


@pytest.mark.parametrize("function", ["text", None, 5, Pipe()])
def test_non_callables_are_refused(function: Any) -> None:
    for register in (App(__name__).route("/", name="x"), App(__name__).websocket("/", name="x")):
        with pytest.raises(ConfigurationError, match="function"):
            register(function)


def test_an_error_about_a_duplicate_path_names_both_routes() -> None:
    app = App(__name__)
    app.route("/a/<int:id>", name="one")(handler)
    with pytest.raises(ConfigurationError) as caught:
        app.route("/a/<int:number>", name="two")(handler)
    assert "'one'" in str(caught.value)
    assert "'two'" in str(caught.value)


async def test_the_same_path_may_serve_other_methods_hosts_and_kinds() -> None:
    app = App(__name__)
    app.route("/", name="get", methods="get")(lambda: "get")
    app.route("/", name="post", methods="post")(lambda: "post")
    app.route("/", name="host", methods="get", hostname="example.org")(lambda: "host")
    app.websocket("/", name="websocket")(talk)
    assert (await fetch(app)).text == "get"
    assert (await fetch(app, method="POST")).text == "post"
    assert (await fetch(app, headers=[("host", "example.org")])).text == "host"
    assert await opens(app, "/")


@pytest.mark.parametrize("decorator", ["route", "websocket"])
def test_a_decorator_without_parentheses_is_refused(decorator: str) -> None:
    app = App(__name__)
    module = app.module(__name__, "module")
    for level in (app, module):
        with pytest.raises(SyntaxError, match=rf"write @app\.{decorator}\(\) above the function"):
            getattr(level, decorator)(handler)
    assert len(app.routes) == 1
