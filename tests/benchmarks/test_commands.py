from __future__ import annotations

import pytest

from benchmarks import commands
from benchmarks.contestants import CONTESTANTS
from benchmarks.server_options import ServerOptions

PLAIN = ServerOptions("127.0.0.1", 4321)
SECURE = ServerOptions("127.0.0.1", 4321, "/c.pem", "/k.pem", deflate=True, workers=2)


def following(command: list[str], option: str) -> str:
    """Return what stands behind an option."""
    return command[command.index(option) + 1]


@pytest.mark.parametrize("name", ["ours", "ours-asgi", "starlette", "fastapi-sansio", "emmett2", "starlette-granian"])
def test_a_server_with_a_command_line_is_told_by_it(name: str) -> None:
    command = CONTESTANTS[name].command("python", SECURE)
    assert (following(command, "--host"), following(command, "--port")) == ("127.0.0.1", "4321")
    assert following(command, "--workers") == "2"
    assert {"/c.pem", "/k.pem"} <= set(command)
    assert not {"/c.pem", "/k.pem"} & set(CONTESTANTS[name].command("python", PLAIN))


def test_hypercorn_is_told_by_its_command_line() -> None:
    command = commands.quart("python", SECURE)
    assert (following(command, "--bind"), following(command, "--workers")) == ("127.0.0.1:4321", "2")
    assert (following(command, "--certfile"), following(command, "--keyfile")) == ("/c.pem", "/k.pem")
    assert "--certfile" not in commands.quart("python", PLAIN)


def test_uvicorn_compresses_only_where_it_is_asked_to() -> None:
    assert following(commands.starlette("python", PLAIN), "--ws-per-message-deflate") == "false"
    assert following(commands.starlette("python", SECURE), "--ws-per-message-deflate") == "true"


def test_uvicorn_has_two_websocket_implementations() -> None:
    assert following(commands.fastapi("python", PLAIN), "--ws") == "websockets"
    assert following(commands.fastapi_sansio("python", PLAIN), "--ws") == "websockets-sansio"
    assert following(commands.starlette_sansio("python", PLAIN), "--ws") == "websockets-sansio"


@pytest.mark.parametrize("name", ["raw", "sanic", "aiohttp", "tornado", "websockets", "picows", "socketify"])
def test_a_script_is_a_module_and_reads_its_environment(name: str) -> None:
    assert CONTESTANTS[name].command("python", SECURE)[:2] == ["python", "-m"]
    assert len(CONTESTANTS[name].command("python", SECURE)) == 3
