import asyncio

import pytest

from emmett.calls.client_requests import ClientRequests
from emmett.calls.codecs import JSON
from emmett.calls.jsonrpc import Message, ServerRequest, message_decoder
from emmett.errors import CallError, WebsocketClosed


class Peer:
    def __init__(self) -> None:
        self.sent: asyncio.Queue[ServerRequest] = asyncio.Queue()
        self.requests = ClientRequests(self.sent.put, JSON, 2)

    def reply(self, text: str) -> Message:
        message: Message = message_decoder(JSON)(text)
        self.requests.take(message)
        return message


async def test_ids_are_text_and_count() -> None:
    peer = Peer()
    for number in (1, 2):
        asked = asyncio.ensure_future(peer.requests.ask("m", [1], int, 3600))
        request = await peer.sent.get()
        assert (request.id, request.method, request.params) == (f"s{number}", "m", [1])
        peer.reply(f'{{"jsonrpc":"2.0","id":"s{number}","result":5}}')
        assert await asked == 5


async def test_a_second_reply_is_dropped() -> None:
    peer = Peer()
    asked = asyncio.ensure_future(peer.requests.ask("m", [], int, 3600))
    await peer.sent.get()
    peer.reply('{"jsonrpc":"2.0","id":"s1","result":5}')
    peer.reply('{"jsonrpc":"2.0","id":"s1","result":6}')
    assert await asked == 5
    peer.reply('{"jsonrpc":"2.0","id":"s1","result":7}')


async def test_the_end_of_the_connection_fails_the_request() -> None:
    peer = Peer()
    asked = asyncio.ensure_future(peer.requests.ask("m", [], int, 3600))
    await peer.sent.get()
    peer.requests.fail(WebsocketClosed(1001, "bye"))
    with pytest.raises(WebsocketClosed, match="1001"):
        await asked


async def test_a_cancelled_request_is_forgotten() -> None:
    peer = Peer()
    for _ in range(3):
        asked = asyncio.ensure_future(peer.requests.ask("m", [], int, 3600))
        await peer.sent.get()
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked


async def test_the_number_of_concurrent_requests_is_limited() -> None:
    peer = Peer()
    waiting = [asyncio.ensure_future(peer.requests.ask("m", [], int, 3600)) for _ in range(2)]
    for _ in waiting:
        await peer.sent.get()
    with pytest.raises(CallError, match="2 requests already wait"):
        await peer.requests.ask("m", [], int, 3600)
    for each in waiting:
        each.cancel()
    await asyncio.wait(waiting)
