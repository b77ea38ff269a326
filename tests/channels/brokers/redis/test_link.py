"""When a connection is dropped, and how it is established again."""

from __future__ import annotations

import asyncio
import functools
import gc

import pytest

from emmett.channels.brokers.liveness import TICKS
from emmett.channels.brokers.redis import link as module
from emmett.channels.brokers.redis.address import parse_urls
from emmett.channels.brokers.redis.calls import CallLink
from emmett.errors import BrokerRefused, BrokerUnavailable
from tests.channels.brokers.redis.nodes import find, until
from tests.valkey import Valkey, running_valkey


def make(url: str, seconds: float = 2.0) -> CallLink:
    [address] = parse_urls(url).addresses
    return CallLink(functools.partial(find, address), seconds, "test-link")


def without_pauses(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let links connect again at once; returns the list of attempts for which they would have paused."""
    attempts: list[int] = []

    def pause(attempt: int) -> float:
        attempts.append(attempt)
        return 0.0

    monkeypatch.setattr(module, "backoff", pause)
    return attempts


async def test_pauses_between_attempts_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    """They come from `backoff`, whose tests show that they are random and bounded."""
    attempts = without_pauses(monkeypatch)
    link = make("unix:///nowhere/socket")
    link.start()
    await until(lambda: len(attempts) >= 12)
    await link.stop()
    assert attempts[:12] == [*range(12)]


async def test_a_server_that_drops_connections_is_tried_less_and_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = without_pauses(monkeypatch)
    with running_valkey() as valkey:
        link = make(valkey.url)
        link.start()
        with valkey.client() as client:
            while len(attempts) < 4:
                await link.connected()
                count = len(attempts)
                client.client_kill_filter(_type="normal", skipme=True)
                await until(lambda count=count: len(attempts) > count)  # type: ignore[misc]
        await link.stop()
    assert attempts[:4] == [0, 1, 2, 3]


async def test_a_call_that_waits_for_a_connection_ends_the_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "backoff", lambda _: 60.0)
    with running_valkey() as valkey:
        valkey.kill()
        link = make(valkey.url)
        link.start()
        for _ in range(2):
            with pytest.raises(BrokerUnavailable, match="Connection"):
                await link.connected()
        valkey.start()
        await link.connected()
        assert await link.ask("PING") == b"PONG"
        await link.stop()


async def test_a_silent_server_is_noticed_without_a_call() -> None:
    with running_valkey() as valkey:
        link = make(valkey.url, 0.25)
        link.start()
        await link.connected()
        # A connection whose pings are answered is kept.
        for _ in range(4 * TICKS):
            link.tick()
            await until(lambda: not link._sent)
        assert link.is_up
        with valkey.paused():
            ticks = 0
            while link.is_up:
                link.tick()
                ticks += 1
                await asyncio.sleep(0.005)
            # The server was pinged after `timeout`, and the connection dropped after another `timeout`.
            assert ticks <= 2 * TICKS + 1
            await link.stop()


async def test_stop_leaves_no_socket_even_if_the_peer_reads_nothing(first_valkey: Valkey) -> None:
    """A socket that is only closed stays open as long as the peer has not read what was written."""
    taken: list[asyncio.StreamWriter] = []
    released = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.append(writer)
        while True:
            # The client sends CLIENT SETNAME and SETINFO, twice, and INFO.
            data = await reader.read(65_536)
            if not data:
                break
            for word in (b"SETNAME", b"SETINFO"):
                writer.write(b"+OK\r\n" * data.count(word))
            if b"INFO\r\n$6\r\nserver" in data:
                writer.write(b"$8\r\nrun_id:x\r\n")
                break
        await released.wait()
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    link = make(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    link.start()
    await link.connected()
    asking = [asyncio.ensure_future(link.ask("ECHO", b"x" * 2**20)) for _ in range(32)]
    await asyncio.sleep(0.05)
    await link.stop()
    assert all(
        isinstance(answer, BrokerUnavailable) for answer in await asyncio.gather(*asking, return_exceptions=True)
    )
    released.set()
    server.close()
    await server.wait_closed()
    # An unclosed connection would warn here, and a warning is an error.
    gc.collect()


async def test_it_can_be_stopped_at_any_moment(first_valkey: Valkey) -> None:
    before = asyncio.all_tasks()
    for turns in range(25):
        link = make(first_valkey.url)
        link.start()
        for _ in range(turns):
            await asyncio.sleep(0)
        await link.stop()
    gc.collect()
    assert asyncio.all_tasks() == before


async def test_invalid_answers_end_only_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    """This happens with another kind of server: the connection is dropped, and nothing else."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    link = make(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    link.start()
    with pytest.raises(BrokerRefused, match="no Redis server listens there"):
        await link.connected()
    await link.stop()
    server.close()
    await server.wait_closed()
    assert "must not happen" not in caplog.text


@pytest.mark.parametrize(
    ("rules", "reason"),
    [(["+@all", "-info"], "NOPERM.*docs/channels.md has the list"), (["+@all", "-client"], "NOPERM")],
)
async def test_a_missing_permission_is_reported_as_a_refusal(
    first_valkey: Valkey, rules: list[str], reason: str
) -> None:
    with first_valkey.user(*rules) as url:
        link = make(url)
        link.start()
        with pytest.raises(BrokerRefused, match=reason):
            await link.connected()
        with pytest.raises(BrokerRefused, match=reason):
            await link.ask("PING")
        await link.stop()


async def test_a_wrong_password_is_a_refusal_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It may change while the server runs, so any attempt may succeed; the log has one line a minute."""
    attempts = without_pauses(monkeypatch)
    with running_valkey() as valkey, valkey.client() as client, valkey.user("+@all") as url:
        link = make(url)
        link.start()
        await link.connected()
        client.execute_command("ACL", "SETUSER", "ann", "resetpass", ">another")
        client.client_kill_filter(_type="normal", skipme=True)
        await until(lambda: len(attempts) > 9)
        with pytest.raises(BrokerRefused, match=r"WRONGPASS: .*check user and password"):
            await link.connected()
        client.execute_command("ACL", "SETUSER", "ann", ">secret")
        await until(lambda: link.is_up)
        assert await link.ask("PING") == b"PONG"
        await link.stop()
    assert [line.getMessage().count("WRONGPASS") for line in caplog.records if "refuses" in line.getMessage()] == [1]
    assert "secret" not in caplog.text
