"""An application that reports how it sees its visitors, for tests with proxies."""

from __future__ import annotations

from typing import Literal

from emmett import App, request, websocket

FORWARDED_FIELDS = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "Forwarded")


def visitor_app(*trusted: str, headers: Literal["x-forwarded", "forwarded"] = "x-forwarded") -> App:
    """Return an application that answers with the client, scheme and host that it sees, as JSON.

    Arguments:
        trusted: the proxies that it trusts.
        headers: what they write.
    """
    app = App(__name__)
    app.config.server.trusted_proxies = trusted
    app.config.server.proxy_headers = headers

    @app.route("/visitor")
    async def index() -> dict[str, object]:
        return {"client": request.client, "scheme": request.scheme, "host": request.host}

    @app.route("/fields")
    async def fields() -> dict[str, list[str]]:
        return {name: request.headers.get_all(name) for name in FORWARDED_FIELDS}

    @app.websocket("/fields")
    async def websocket_fields() -> None:
        await websocket.send_json({name: websocket.headers.get_all(name) for name in FORWARDED_FIELDS})

    @app.websocket("/visitor")
    async def tell() -> None:
        await websocket.send_json({"client": websocket.client, "scheme": websocket.scheme, "host": websocket.host})

    @app.websocket("/asked")
    async def answer() -> None:
        async for message in websocket:
            if message == "visitor":
                await tell()
            else:
                await websocket.close(4999, "as you wish")

    @app.websocket("/echo")
    async def echo() -> None:
        async for message in websocket:
            await websocket.send(message)

    @app.websocket("/leave/<int:code>")
    async def leave(code: int) -> None:
        await websocket.accept()
        await websocket.close(code, "as you wish")

    return app
