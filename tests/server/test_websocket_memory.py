"""The memory of an idle websocket: the number and the size of its own objects."""

from __future__ import annotations

import gc
import inspect
import sys
from collections import Counter
from contextvars import copy_context
from enum import Enum
from types import BuiltinMethodType, MethodType

from emmett import websocket
from emmett.config import Settings
from tests.server.protocol_peer import ProtocolPeer, settled
from tests.wire.frame_maker import TEXT, client_frame

# The sum of `sys.getsizeof` for the objects of emmett and for their bound methods, on either engine.
MOST_BYTES = 1400


def objects_of(root: object) -> list[object]:
    """Return the objects of emmett, and bound methods, that are reached from one object and belong to a connection."""
    found: dict[int, object] = {}
    todo = [root]
    while todo:
        each = todo.pop()
        is_bound = isinstance(each, (MethodType, BuiltinMethodType)) and not isinstance(each.__self__, type(sys))
        is_ours = type(each).__module__.startswith("emmett.") and not isinstance(each, (Settings, Enum, type))
        if id(each) not in found and (is_ours or is_bound):
            found[id(each)] = each
            todo.extend(gc.get_referents(each))
    return list(found.values())


async def echo() -> None:
    async for message in websocket:
        await websocket.send(message)


async def test_an_idle_websocket_is_small() -> None:
    peer = ProtocolPeer(echo)
    await settled()
    peer.protocol.data_received(client_frame(TEXT, b"x" * 64))
    await settled()
    kept = objects_of(peer.protocol)
    names = Counter(getattr(each, "__qualname__", type(each).__qualname__) for each in kept)
    # The checked handshake is not needed after its response.
    assert names["Upgrade"] == 0
    # Nothing is awaited, so there is no deadline to watch.
    assert names["WebsocketWatch"] == 0
    # Bound methods are shared.
    assert max(names.values()) == 1, names
    # The handler has its own copy of the variables of the path.
    assert peer.protocol.task is not None
    running = peer.protocol.task.get_coro()
    assert inspect.iscoroutine(running)
    assert "websocket" in inspect.getcoroutinelocals(running)
    assert "arguments" not in inspect.getcoroutinelocals(running)
    assert sum(map(sys.getsizeof, kept)) <= MOST_BYTES, names
    await peer.end()


async def test_the_context_of_a_handler_contains_only_what_it_needs() -> None:
    seen: list[str] = []

    async def look() -> None:
        await websocket.accept()
        seen.extend(variable.name for variable in copy_context() if variable.name.startswith("emmett."))

    peer = ProtocolPeer(look)
    await settled()
    assert sorted(seen) == ["emmett.place", "emmett.websocket"]
    await peer.end()
