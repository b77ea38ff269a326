"""One node of an application for SDKs, served with `emmett serve` in tests of two nodes with nginx in front."""

from __future__ import annotations

import os
import signal

from emmett import App, Channels, Response
from emmett.centrifuge import Centrifuge
from tests.centrifuge import kit

API_KEY = "only for this test"
NODE = os.environ.get("EMMETT_TEST_NODE", "")

app = App(__name__)
channels = Channels(app)
channels.namespace(
    "room",
    history=1000,
    presence=True,
    join_leave=True,
    may_subscribe=lambda _: True,
    may_publish=lambda *_: True,
)
calls = app.calls("/calls")
centrifuge = Centrifuge(app, channels, secret=kit.SECRET, calls=calls, fallbacks="/connection", api_keys=[API_KEY])


@app.route("/token", methods="get")
async def token() -> dict[str, str]:
    """Give out a token that is to be refreshed after a second or two."""
    return {"token": kit.token(sub="ada", exp=kit.soon(3))}


@calls.method()
async def node() -> str:
    """Return which node the client is connected to."""
    return NODE


@calls.method()
async def die() -> None:
    """End this node without a goodbye."""
    os.kill(os.getpid(), signal.SIGKILL)


@app.route("/page", methods="get")
async def page() -> Response:
    """Return an empty page. Chromium lets pages connect to this machine only if they come from it."""
    return Response("<!doctype html>", content_type="text/html")
