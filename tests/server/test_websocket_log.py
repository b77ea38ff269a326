"""The access log of websockets."""

from __future__ import annotations

import pytest

from emmett import App, websocket
from emmett.wire.targets import QueryLogging
from tests.integration.raw_client import connect, upgrade_request
from tests.integration.servers import gone, run_emmett


def app_with_log_lines() -> App:
    app = App(__name__)

    @app.websocket("/<any:path>")
    async def talk(path: str) -> None:
        if path == "refused":
            return
        await websocket.send(f"{websocket.path} {websocket.query_params.q}")
        await websocket.receive()

    return app


async def log_line(caplog: pytest.LogCaptureFixture, target: str, logged: QueryLogging = "names") -> str:
    """Open a websocket, let the client close it, and return the line of the access log."""
    caplog.set_level("INFO", "emmett.access")
    caplog.clear()
    app = app_with_log_lines()
    app.config.server.log_query = logged
    async with run_emmett(app) as running, connect(running.port) as client:
        client.write(upgrade_request(target))
        if (await client.read_head())[0] == 101:
            await client.read_frame()
            await client.close(4001)
        else:
            # The server waits until the peer has read its refusal.
            client.writer.close()
        await gone(running)
    lines = [record.getMessage() for record in caplog.records if record.name == "emmett.access"]
    assert len(lines) == 1
    return lines[0]


async def test_a_connection_has_a_line(caplog: pytest.LogCaptureFixture) -> None:
    line = await log_line(caplog, "/room?q=1")
    assert line.startswith("127.0.0.1:")
    assert '"WEBSOCKET /room?q=*" closed 4001 after 0.' in line
    assert line.endswith("s, 0 in, 1 out")


@pytest.mark.parametrize(
    ("logged", "target"), [("names", "/room?ticket=*"), ("all", "/room?ticket=secret"), ("none", "/room")]
)
async def test_the_setting_decides_what_is_shown_of_a_query(
    logged: QueryLogging, target: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert f'"WEBSOCKET {target}" closed' in await log_line(caplog, "/room?ticket=secret", logged)


async def test_a_refusal_has_a_line(caplog: pytest.LogCaptureFixture) -> None:
    assert (await log_line(caplog, "/refused")).endswith('"WEBSOCKET /refused" 403')


async def test_quotes_in_a_target_are_escaped(caplog: pytest.LogCaptureFixture) -> None:
    assert '"WEBSOCKET /a%22\\\\b" closed 4001' in await log_line(caplog, '/a"\\b')
