"""What the connections of one process share."""

from __future__ import annotations

import asyncio

from uvicorn.server import ServerState

from emmett import App
from emmett.server import make_config
from emmett.server.process_state import process_state


async def test_there_is_one_for_each_server() -> None:
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
    assert state.tasks is first.tasks
