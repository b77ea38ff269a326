"""A service for the page of the inspector: two workers or one, with websockets, channels, users and settings."""

from __future__ import annotations

import os

from emmett import App, Channels, websocket
from emmett.users import Users

app = App("tests.shop")
app.schema("Tea house", openapi=None, asyncapi=None)
channels = Channels(app)
channels.namespace("room", history=50, presence=True)
users = Users(app, channels)
app.inspector("/inspector", requires=lambda: True, payloads=os.environ.get("TEST_PAYLOADS") == "1")
app.config.database_url = "postgresql://tea:hush@db/tea"


@app.websocket("/echo")
async def echo() -> None:
    async for message in websocket:
        await websocket.send(message)


@app.websocket("/rooms/<str:room>/<str:user>")
async def room(room: str, user: str) -> None:
    async with (
        users.connected(user),
        channels.subscribe(f"room:{room}", deliver=websocket, member=user, info={"colour": "green"}),
    ):
        await websocket.send("ready")
        async for message in websocket:
            await channels.publish(f"room:{room}", message)
