"""The page of the inspector, its requests, and its websocket, which shows messages as they come."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ..ctx import current_request, current_websocket
from ..errors import BrokerUnavailable, InvalidChannel, UsageError, WebsocketClosed
from ..http.response import Response
from ..pipeline.pipe import Pipe
from ..security.csrf import CSRF, csrf_token
from ..security.senders import comes_from_elsewhere
from ..wire.origin import SAME_ORIGIN, OriginPolicy
from .inspector import Inspector
from .page_file import InspectorPage, render_inspector_page
from .questions import AskChannels, AskConnections, AskOverview

_OWN_PAGES = OriginPolicy((SAME_ORIGIN,))
_Name = Annotated[str, Meta(min_length=1, max_length=256)]
# The most bytes of a question from the page.
MAX_QUESTION = 16 * 1024


class PageChannel(msgspec.Struct, tag_field="ask", tag="channel", forbid_unknown_fields=True):
    """Ask for a channel in detail. Answered with `ChannelReport`."""

    name: _Name
    payloads: bool = False


class PageSettings(msgspec.Struct, tag_field="ask", tag="settings", forbid_unknown_fields=True):
    """Ask for the settings of a node. Answered with `NodesReport`."""

    node: str = ""


class PageClose(msgspec.Struct, tag_field="ask", tag="close", forbid_unknown_fields=True):
    """Close a connection. Answered with `PageDone`."""

    connection: _Name
    code: int = 1008
    reason: str = ""


class PageDrain(msgspec.Struct, tag_field="ask", tag="drain", forbid_unknown_fields=True):
    """Drain a node. Answered with `PageDone`."""

    node: _Name


class PageDone(msgspec.Struct):
    """A short message about what was done."""

    done: str


PageQuestion = AskOverview | AskConnections | AskChannels | PageChannel | PageSettings | PageClose | PageDrain

_decode = msgspec.json.Decoder(PageQuestion).decode


class InspectorPages:
    """The handlers of the page.

    Arguments:
        inspector: the inspector.
        title: returns the name of the application.
        pipes: returns the whole pipeline of the page.
    """

    def __init__(self, inspector: Inspector, title: Callable[[], str], pipes: Callable[[], Sequence[Pipe]]) -> None:
        self._inspector = inspector
        self._render: Callable[[], InspectorPage] = functools.cache(
            lambda: render_inspector_page(title(), inspector.shows_payloads)
        )
        self._pipes = pipes

    async def page(self) -> Response:
        """Return the page."""
        page = self._render()
        csrf = next((pipe for pipe in self._pipes() if isinstance(pipe, CSRF)), None)
        html = page.html("", "") if csrf is None else page.html(csrf.header, csrf_token())
        fields = {
            "content-security-policy": page.policy,
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
            "x-frame-options": "DENY",
        }
        return Response(html, headers=fields, content_type="text/html; charset=utf-8")

    async def ask(self) -> Response:
        """Answer a question, or carry out a request, of the page."""
        request = current_request.get()
        assert request is not None
        if comes_from_elsewhere(request, _OWN_PAGES):
            return _refuse(403, "this request may not be sent from a page of another site")
        if request.content_type != "application/json":
            # A form of another site cannot send this type.
            return _refuse(415, "expected application/json")
        try:
            question = _decode(await request.body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return _refuse(400, str(error))
        try:
            return _answer(200, await self._do(question))
        except InvalidChannel as error:
            return _refuse(400, str(error))
        except UsageError as error:
            return _refuse(409, str(error))

    async def _do(self, question: PageQuestion) -> Any:
        inspector = self._inspector
        match question:
            case AskOverview():
                return await inspector.nodes()
            case AskConnections():
                return await inspector.connections(question)
            case AskChannels():
                return await inspector.list_channels(question)
            case PageChannel(name, payloads):
                return await inspector.channel(name, payloads)
            case PageSettings(node):
                return await inspector.settings(node)
            case PageClose(connection, code, reason):
                return PageDone(await inspector.close(connection, code, reason))
            case PageDrain(node):
                return PageDone(await inspector.drain(node))

    async def live(self) -> None:
        """Send the messages of a connection or channel, for as long as the page is open."""
        websocket = current_websocket.get()
        assert websocket is not None
        query = websocket.query_params
        payloads = query.payloads == "1"
        if isinstance(query.connection, str):
            watching = self._inspector.watch(query.connection, payloads)
        else:
            watching = self._inspector.watch_channel(str(query.channel or ""), payloads)
        await websocket.accept()

        async def forward() -> None:
            try:
                async with contextlib.aclosing(watching) as every:
                    async for news in every:
                        await websocket.send_json(news)
            except (UsageError, InvalidChannel, BrokerUnavailable) as error:
                with contextlib.suppress(WebsocketClosed):
                    await websocket.send_json({"error": getattr(error, "message", "") or str(error)})
            except WebsocketClosed:
                pass

        jobs = [asyncio.create_task(forward()), asyncio.create_task(websocket.wait_closed())]
        try:
            await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.wait(jobs)


def _answer(status: int, content: object) -> Response:
    return Response(msgspec.json.encode(content), status, {"cache-control": "no-store"}, "application/json")


def _refuse(status: int, reason: str) -> Response:
    return _answer(status, {"error": reason})
