"""`url` in handlers: the module, the host and the scheme of the current request or websocket."""

from __future__ import annotations

import asyncio

import pytest

from emmett import App, redirect, url, websocket
from emmett.errors import ConfigurationError
from tests.asgi.peers import WebsocketPeer, fetch


def make_app() -> App:
    app = App(__name__)
    shop = app.module(__name__, "shop", url_prefix="shop")
    cart = shop.module(__name__, "cart", url_prefix="cart")
    api = app.module(__name__, "api", hostname="api.example.org")
    app.route(["/", "/home", "/home/<int:page>"], name="index")(lambda page=None: url(".index"))
    shop.route("/", name="index")(lambda: url(".index"))
    cart.route("/", name="index")(lambda: " ".join([url(".index"), url("shop.index"), url("index")]))
    api.route("/status", name="status")(lambda: "")
    api.websocket("/feed", name="feed")(feed)
    shop.websocket("/live/<str:name>", name="live")(live)
    return app


async def feed() -> None: ...


async def live(name: str) -> None:
    await websocket.send(" ".join([url.ws(".live", name), url(".index"), url.ws("api.feed"), url("api.status")]))


async def text(app: App, target: str) -> str:
    return (await fetch(app, target, headers=[("host", "www.example.org:8000")])).text


async def test_a_leading_dot_means_the_current_module() -> None:
    app = make_app()
    assert await text(app, "/") == "/"
    assert await text(app, "/shop") == "/shop"
    assert await text(app, "/shop/cart") == "/shop/cart /shop /"


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        ("ws", "/shop/live/x /shop ws://api.example.org:8000/feed http://api.example.org:8000/status"),
        ("wss", "/shop/live/x /shop wss://api.example.org:8000/feed https://api.example.org:8000/status"),
    ],
)
async def test_it_works_in_a_websocket_handler(scheme: str, expected: str) -> None:
    peer = WebsocketPeer(make_app(), "/shop/live/x", [("host", "www.example.org:8000")], scheme=scheme)
    assert await peer.receive() == expected
    assert await peer.closed() == (1000, "")


async def test_absolute_urls_take_the_host_and_the_scheme_of_the_request() -> None:
    app = make_app()

    @app.route("/urls")
    async def urls() -> str:
        return "\n".join(
            [
                url("index", scheme="http"),
                url("index", scheme="https"),
                url("index", host="other.example"),
                url.ws("shop.live", "é", scheme="wss"),
                url("api.status"),
                url("index.2", 5, params={"a": [1, 2], "b": None}, anchor="top"),
                url("/plain", ["a", 1]),
            ]
        )

    fields = [("host", "www.example.org:8000")]
    answer = await fetch(app, "/urls", headers=fields, scheme="https")
    assert answer.text.split("\n") == [
        "http://www.example.org:8000/",
        "https://www.example.org:8000/",
        "https://other.example/",
        "wss://www.example.org:8000/shop/live/%C3%A9",
        "https://api.example.org:8000/status",
        "/home/5?a=1&a=2#top",
        "/plain/a/1",
    ]


async def test_a_route_of_the_requested_host_needs_no_host() -> None:
    app = make_app()
    app.route("/here", name="here", hostname="api.example.org")(lambda: url("api.status"))
    answer = await fetch(app, "/here", headers=[("host", "API.example.org:8000")])
    assert answer.text == "/status"


async def test_requests_and_websockets_have_separate_names() -> None:
    app = make_app()

    @app.route("/urls")
    async def urls() -> str:
        with pytest.raises(ConfigurationError, match=r"there is no route 'shop\.live' for http or https"):
            url("shop.live", "x")
        with pytest.raises(ConfigurationError, match=r"there is no route 'shop\.index' for ws or wss"):
            url.ws("shop.index")
        with pytest.raises(ConfigurationError, match="that is 'nowhere' here"):
            url(".nowhere")
        return "done"

    assert await text(app, "/urls") == "done"


async def test_each_application_builds_its_own_urls() -> None:
    first, second = App(__name__), App(__name__)
    first.route("/first", name="x")(lambda: url("x"))
    second.route("/second", name="x")(lambda: url("x"))
    answers = await asyncio.gather(text(first, "/first"), text(second, "/second"))
    assert list(answers) == ["/first", "/second"]


async def test_tasks_inherit_the_current_module() -> None:
    app = App(__name__)
    App(__name__)
    module = app.module(__name__, "module")

    async def build() -> str:
        await asyncio.sleep(0)
        return url(".page")

    @module.route("/page")
    async def page() -> str:
        return await asyncio.create_task(build())

    assert await text(app, "/page") == "/page"


@pytest.mark.parametrize(
    ("root", "path"), [("/shop/é", "/shop/é/here"), ("/shop/é/", "/shop/é/here"), ("/shop/é", "/here")]
)
async def test_urls_and_redirects_stay_below_the_mount(root: str, path: str) -> None:
    app = App(__name__)
    app.route("/here", name="here")(lambda: f"{url('here')} {url('static', 'a.js')} {url.ws('talk')}")
    app.route("/away", name="away")(lambda: redirect(url("here")))

    @app.websocket("/talk")
    async def talk() -> None:
        await websocket.send(await asyncio.create_task(task()))

    async def task() -> str:
        return f"{url('here')} {url.ws('talk', scheme='ws')}"

    fields = [("host", "a.test")]
    below = "/shop/%C3%A9"
    assert (
        await fetch(app, path, headers=fields, root_path=root)
    ).text == f"{below}/here {below}/static/a.js {below}/talk"
    answer = await fetch(app, path.replace("here", "away"), headers=fields, root_path=root)
    assert answer.header("location") == f"{below}/here"
    peer = WebsocketPeer(app, path.replace("here", "talk"), fields, root_path=root)
    assert await peer.receive() == f"{below}/here ws://a.test{below}/talk"
    assert await peer.closed() == (1000, "")
    assert (await fetch(app, "/here", headers=fields)).text == "/here /static/a.js /talk"
