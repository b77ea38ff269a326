"""How sockets are bound, and how the event loop accepts from them."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from emmett.server import listening
from emmett.server.listening import ACCEPTS_A_TURN, BACKLOG, UnixSocketFile, bind_tcp, is_served, listen


@pytest.fixture
def path() -> Iterator[str]:
    """A path short enough for a unix socket."""
    with TemporaryDirectory(dir="/tmp") as folder:
        yield f"{folder}/web.sock"


def test_all_addresses_of_a_host_get_the_same_port() -> None:
    sockets = bind_tcp("localhost", 0)
    try:
        assert len({listener.getsockname()[1] for listener in sockets}) == 1
    finally:
        for listener in sockets:
            listener.close()


def test_a_port_in_use_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(OSError) as caught:  # noqa: PT011
        bind_tcp("127.0.0.1", other.getsockname()[1])
    assert caught.value.errno == errno.EADDRINUSE


def test_an_address_of_another_machine_is_an_error() -> None:
    with pytest.raises(OSError) as caught:  # noqa: PT011
        bind_tcp("192.0.2.1", 0)
    assert caught.value.errno == errno.EADDRNOTAVAIL


def test_the_file_of_a_dead_server_is_replaced_with_its_permissions(path: str) -> None:
    killed = UnixSocketFile(path)
    os.chmod(path, 0o600)
    killed.socket.close()
    assert not is_served(path)
    file = UnixSocketFile(path)
    assert is_served(path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    # The first server no longer has a file to remove.
    killed.close()
    assert is_served(path)
    file.close()
    assert not os.path.exists(path)


def test_the_file_of_a_listening_server_is_not_replaced(path: str) -> None:
    file = UnixSocketFile(path)
    try:
        before = os.stat(path)
        with pytest.raises(OSError, match="in use"):
            UnixSocketFile(path)
        assert os.stat(path) == before
    finally:
        file.socket.close()


def test_a_busy_server_counts_as_listening(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(0)
        waiting = []
        try:
            while True:
                client = socket.socket(socket.AF_UNIX)
                client.setblocking(False)
                waiting.append(client)
                if client.connect_ex(path):
                    break
            assert is_served(path)
        finally:
            for client in waiting:
                client.close()


def test_a_file_that_is_no_socket_is_not_replaced(path: str) -> None:
    Path(path).write_text("mine")
    with pytest.raises(OSError, match="in use"):
        UnixSocketFile(path)
    assert Path(path).read_text() == "mine"


def test_waiting_for_the_lock_of_a_folder_has_a_deadline(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "LOCK_TIMEOUT", 0.0)
    with listening._locked(Path(path).parent), pytest.raises(BlockingIOError):
        UnixSocketFile(path)
    UnixSocketFile(path).socket.close()


class Loop(asyncio.SelectorEventLoop):
    """A loop that records calls."""

    def __init__(self) -> None:
        super().__init__()
        self.options: list[dict[str, Any]] = []

    async def create_server(self, *arguments: Any, **options: Any) -> Any:
        self.options.append(options)
        return await super().create_server(*arguments, **options)


def test_asyncio_accepts_few_in_a_turn_and_a_tls_handshake_has_a_deadline() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    loop = Loop()

    async def run() -> None:
        for tls in (context, None):
            sockets = bind_tcp("127.0.0.1", 0)
            (server,) = await listen(asyncio.Protocol, sockets, tls=tls, handshake_timeout=5.0)
            server.close()
            await server.wait_closed()

    try:
        loop.run_until_complete(run())
    finally:
        loop.close()
    assert [options["ssl_handshake_timeout"] for options in loop.options] == [5.0, None]
    assert {options["backlog"] for options in loop.options} == {ACCEPTS_A_TURN}


class CountedSocket(socket.socket):
    """A socket that notes its backlogs."""

    backlogs: list[int]

    def listen(self, backlog: int = 0, /) -> None:
        self.backlogs.append(backlog)
        super().listen(backlog)


@pytest.mark.loops("asyncio", "uvloop")
async def test_the_backlog_of_the_kernel_is_set() -> None:
    listener = CountedSocket()
    listener.backlogs = []
    listener.bind(("127.0.0.1", 0))
    (server,) = await listen(asyncio.Protocol, [listener], tls=None, handshake_timeout=5.0)
    try:
        if isinstance(asyncio.get_running_loop(), asyncio.SelectorEventLoop):
            assert listener.backlogs == [ACCEPTS_A_TURN, BACKLOG]
        _, writer = await asyncio.open_connection(*listener.getsockname())
        writer.close()
        await writer.wait_closed()
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.loops("asyncio", "uvloop")
async def test_a_stopping_server_leaves_the_file_of_its_socket_to_the_others(path: str) -> None:
    file = UnixSocketFile(path)
    other = file.socket.dup()
    try:
        (server,) = await listen(asyncio.Protocol, [file.socket], tls=None, handshake_timeout=5.0)
        server.close()
        await server.wait_closed()
        file.close()
        assert is_served(path)
    finally:
        other.close()
