"""The chat: what a browser can ask for.

`emmett -a examples/chat/app.py develop`, or `make chat`; `make cluster` runs it on two nodes. What the page on
an SDK asks for is in `sdk.py`.
"""

from __future__ import annotations

import os
import secrets
import time
from typing import Any

from emmett import App, abort, redirect, request, response, session, url, websocket
from emmett.errors import BrokerUnavailable
from emmett.security import CSRF, SecurityHeaders
from emmett.sessions import SessionManager

from .messages import (
    MAX_NAME,
    MAX_TEXT,
    RATE,
    Message,
    Person,
    Said,
    Welcome,
    as_published,
    checked_text,
    encode,
    tidy_name,
)
from .rooms import Rooms, tidy_room
from .sdk import COMMAND, find_sdk, serve_sdks

MAX_FRAME = 16 * 1024  # bytes of a message on the websocket
NODE = os.environ.get("EMMETT_CHAT_NODE", "")  # what this process is called, where there are several

app = App(__name__)
app.config.server.trusted_proxies = ["unix"]  # nginx, in the cluster
app.pipeline = [
    SecurityHeaders(),
    SessionManager.cookies(
        os.environ.get("EMMETT_CHAT_KEY") or secrets.token_urlsafe(32),
        expire=24 * 3600,
        secure=os.environ.get("EMMETT_CHAT_TLS") == "1",
        cookie_name="chat_session",
    ),
    CSRF(),
]
rooms = Rooms(app)


def has_name() -> bool:
    return isinstance(session.name, str) and isinstance(session.visitor, str)


def check_room(name: str) -> str:
    """Return the channel of a room that is named in a path."""
    if not name or tidy_room(name) != name:
        abort(404)
    return rooms.channel(name)


@app.route("/", methods="get", name="index", template="index.html")
async def index() -> dict[str, Any]:
    room = request.query_params.room
    return await start_page("", session.name or "", tidy_room(room) if isinstance(room, str) else "")


async def start_page(problem: str, name: str, room: str) -> dict[str, Any]:
    try:
        listing = await rooms.listing()
    except BrokerUnavailable:
        listing = []
    return {"problem": problem, "name": name, "room": room, "rooms": listing, "max_name": MAX_NAME}


@app.route("/", methods="post", name="enter", template="index.html", max_body_size=16 * 1024)
async def enter() -> dict[str, Any]:
    """Take a name and a room. The visitor gets a public mark of their own: names may be the same."""
    params = await request.body_params
    name, room = tidy_name(params.name), tidy_room(params.room)
    if name and room:
        session.name = name
        session.visitor = session.visitor or secrets.token_urlsafe(9)
        redirect(url("room", room))
    response.status = 422
    return await start_page("Choose a room." if name else "Choose a name for yourself.", name, room)


@app.route("/rooms/<str:name>", methods="get", name="room", template="room.html")
async def room(name: str) -> dict[str, Any]:
    check_room(name)
    return page_of(name)


@app.route("/rooms/<str:name>/sdk", methods="get", name="room_on_sdk")
async def room_on_sdk(name: str) -> str:
    """Return the same page on npm `centrifuge`."""
    channel = check_room(name)
    if find_sdk() is None:
        response.status = 503
        return await app.templates.render("no_sdk.html", {"room": name, "command": COMMAND})
    try:
        position = await rooms.start_of(channel)
        await rooms.note(name)
    except BrokerUnavailable:
        abort(503)
    return await app.templates.render("room.html", {**page_of(name), "channel": channel, "position": position})


def page_of(room: str) -> dict[str, Any]:
    if not has_name():
        redirect(url("index", params={"room": room}))
    person = {"name": session.name, "visitor": session.visitor}
    return {"room": room, **person, "max_text": MAX_TEXT, "channel": "", "position": None}


calls = app.calls("/rooms/<str:name>/live", "live", max_message_size=MAX_FRAME)
calls.emits(Welcome)


@calls.on_open
async def enter_room(name: str) -> None:
    """Let the page hear the room. A returning page says how far it has read; a new one gets the latest messages."""
    channel = check_room(name)
    if not has_name():
        await websocket.accept()
        await websocket.close(1008, "choose a name first")
        return
    me = visitor()
    since = websocket.query_params.since
    try:
        start = since if isinstance(since, str) else str(await rooms.start_of(channel))
        subscription = await calls.subscribe(
            channel, since=start, encode=as_published, member=me.id, info={"name": me.name}
        )
        await rooms.note(name)
        recovered = subscription.recovered if start is since else None
        await calls.notify(Welcome(start, recovered, await rooms.people(channel), NODE))
    except BrokerUnavailable:
        # The page comes back, and sends again what it has not seen in the room.
        await websocket.close(1013, "the broker does not answer")


@calls.method(limit=RATE)
async def say(message: Said, name: str) -> None:
    """Publish what the visitor says to the room."""
    try:
        await publish(message, name)
    except BrokerUnavailable:
        await websocket.close(1013, "the broker does not answer")


async def publish(message: Said, room: str) -> None:
    """Publish what the visitor says to a room."""
    text = checked_text(message.text)
    await rooms.channels.publish(rooms.channel(room), encode(Message(message.id, visitor(), text, time.time())))


def visitor() -> Person:
    return Person(str(session.visitor), str(session.name))


serve_sdks(app, rooms, publish, NODE)
