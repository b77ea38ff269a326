"""A program full of mistakes: type checkers must find one on each marked line, and no others."""

from __future__ import annotations

from emmett import App, Channels, request, websocket

app = App()  # mistake: it takes the name of the module
channels = Channels("app")  # mistake: it takes the application


@app.route("/", methods=5)  # mistake: methods are texts
async def index() -> str:
    return request.path + 1  # mistake: a path is text


@app.websocket(5)  # mistake: paths are texts
async def handle() -> None:
    await websocket.send({"a": 1})  # mistake: this is for send_json
    await websocket.send(5)  # mistake: a message is text or bytes
    text: str = await websocket.receive()  # mistake: it may be bytes
    number: int = await websocket.receive_json(str)  # mistake for pyright: it returns what was asked for
    await websocket.close("done")  # mistake: the code comes first
    await websocket.recieve()  # mistake: no method has this name
    await channels.publish(1, text)  # mistake: a channel's name is text
    channels.namespace(str(number), histroy=100)  # mistake: no option has this name
    with app.test_client() as client:
        client.get(5)  # mistake: a path is text
