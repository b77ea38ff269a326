"""The page on npm `centrifuge`: where its file is, who may do what, and how it says something."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from emmett import App, Response, abort, session
from emmett.centrifuge import Centrifuge, Client, Identity
from emmett.errors import CallError

from .messages import RATE, Said
from .rooms import Rooms, tidy_room

HERE = Path(__file__).parent
FILE = Path("node_modules", "centrifuge", "dist", "centrifuge.js")
# Beside this file, or where `make test` puts the packages of the tests.
FOLDERS = (HERE, HERE.parents[1] / "tests" / "integration" / "node")
COMMAND = "npm install --prefix examples/chat centrifuge"


def find_sdk() -> Path | None:
    """Return the file of the SDK; None if the package is not installed. The chat itself runs without Node.js."""
    given = os.environ.get("EMMETT_CHAT_SDK")
    places = [Path(given)] if given else [folder / FILE for folder in FOLDERS]
    return next((place for place in places if place.is_file()), None)


def serve_sdks(app: App, rooms: Rooms, publish: Callable[[Said, str], Awaitable[None]], node: str) -> Centrifuge:
    """Let SDKs into the rooms.

    Arguments:
        publish: says something in a room.
        node: what this process is called.
    """
    calls = app.calls("/sdk/calls", "sdk_calls")
    centrifuge = Centrifuge(app, rooms.channels, "/sdk/websocket", calls=calls)

    @app.route("/sdk/centrifuge.js", methods="get", name="sdk_file")
    async def sdk_file() -> Response:
        place = find_sdk()
        if place is None:
            abort(404)
        return Response(place.read_bytes(), content_type="text/javascript; charset=utf-8")

    @centrifuge.on_connect
    async def connect(client: Client, data: object) -> Identity | None:
        if not isinstance(session.name, str) or not isinstance(session.visitor, str):
            return None
        return Identity(session.visitor, info={"name": session.name}, data={"node": node})

    @centrifuge.on_subscribe
    async def subscribe(client: Client, channel: str, data: object) -> bool:
        namespace, _, room = channel.partition(":")
        return namespace == "room" and room != "" and tidy_room(room) == room

    @calls.method(limit=RATE)
    async def say(message: Said, room: str) -> None:
        """Publish what the visitor says to a room that the page is in."""
        if not centrifuge.client.is_subscribed(rooms.channel(room)):
            raise CallError(403, "Enter the room first.")
        await publish(message, room)

    return centrifuge
