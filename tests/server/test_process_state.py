"""State that the connections of a process share."""

from __future__ import annotations

import asyncio

from emmett import App
from emmett.pacing import CLOSE_BATCH, CLOSE_PAUSE
from emmett.server import make_config
from emmett.server.process_state import process_state
from emmett.server.server_state import ServerState


async def test_each_server_has_its_own_state() -> None:
    app = App(__name__)
    config = make_config(app, configure_logging=False)
    config.load()
    loop = asyncio.get_running_loop()
    first, second = ServerState(), ServerState()
    state = process_state(config, first, loop)
    assert process_state(config, first, loop) is state
    assert process_state(config, second, loop) is not state
    assert state.table is app.table
    assert state.connections is first.connections
    assert state.requests is first.requests


async def test_websockets_stop_in_batches_within_a_quarter_of_the_timeout() -> None:
    app = App(__name__)
    config = make_config(app, configure_logging=False)
    config.load()
    state = process_state(config, ServerState(), asyncio.get_running_loop())
    state.connections.update(dict.fromkeys(range(10_000)))
    delays = [state.stop_after() for _ in range(10_000)]
    assert delays[:CLOSE_BATCH] == [0.0] * CLOSE_BATCH
    assert delays[CLOSE_BATCH : 2 * CLOSE_BATCH] == [CLOSE_PAUSE] * CLOSE_BATCH
    assert delays == sorted(delays)
    app.config.server.shutdown_timeout = 1.0
    assert state.stop_after() <= 0.26
