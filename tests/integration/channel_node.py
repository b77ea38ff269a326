"""One node of an application with channels: `emmett -a tests/integration/channel_node.py serve`.

It sends how the subscription began, and then publications in the format of `as_json`.
"""

from __future__ import annotations

from emmett import App, Channels, websocket
from emmett.channels import as_json

app = App(__name__)
channels = Channels(app)
channels.namespace("room", history=10_000, history_ttl=600, queue_messages=10_000)


@app.websocket("/rooms/<str:name>")
async def room(name: str) -> None:
    since = websocket.query_params.since
    assert since is None or isinstance(since, str)
    async with channels.subscribe(f"room:{name}", since=since, deliver=websocket, encode=as_json) as subscription:
        await websocket.send_json({"type": "begun", "recovered": subscription.recovered})
        await websocket.wait_closed()
