"""The chat: what a browser can ask for.

`emmett -a examples/chat/app.py develop`, or `make chat`; `make cluster` runs it on two nodes.
"""

from __future__ import annotations

import os
import secrets
import time
from typing import Any

from emmett import App, abort, redirect, request, response, session, url, websocket
from emmett.channels import as_json
from emmett.errors import BrokerUnavailable
from emmett.security import CSRF, SecurityHeaders
from emmett.sessions import SessionManager

from .messages import MAX_NAME, MAX_TEXT, Bucket, Message, Person, Refused, encode, parse, tidy_name
from .rooms import Rooms, tidy_room

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
    if not has_name():
        redirect(url("index", params={"room": name}))
    return {"room": name, "name": session.name, "visitor": session.visitor, "max_text": MAX_TEXT}


@app.websocket("/rooms/<str:name>/live", name="live", max_message_size=MAX_FRAME)
async def live(name: str) -> None:
    channel = check_room(name)
    await websocket.accept()
    if not has_name():
        await websocket.close(1008, "choose a name first")
        return
    since = websocket.query_params.since
    me = Person(str(session.visitor), str(session.name))
    try:
        # A returning client says how far it has read; a new one gets the latest messages.
        start = since if isinstance(since, str) else str(await rooms.start_of(channel))
        async with rooms.channels.subscribe(
            channel, since=start, deliver=websocket, encode=as_json, member=me.id, info={"name": me.name}
        ) as subscription:
            await rooms.note(name)
            recovered = subscription.recovered if start is since else None
            present = await rooms.people(channel)
            await websocket.send_json(
                {"type": "welcome", "since": start, "recovered": recovered, "people": present, "node": NODE}
            )
            await listen(channel, me)
    except BrokerUnavailable:
        # The page comes back, and sends again what it has not seen in the room.
        await websocket.close(1013, "the broker does not answer")


async def listen(channel: str, me: Person) -> None:
    """Publish what the visitor says, or say what is wrong with it."""
    bucket = Bucket()
    async for frame in websocket:
        try:
            said = parse(frame)
            bucket.take(said)
        except Refused as refusal:
            await websocket.send_json({"type": "error", **refusal.answer})
            continue
        await rooms.channels.publish(channel, encode(Message(said.id, me, said.text, time.time())))
