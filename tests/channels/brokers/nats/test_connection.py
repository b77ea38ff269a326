"""Connections, and what of nats-py's inside they rely on."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from nats.aio.client import Client
from nats.aio.transport import TcpTransport

from emmett.channels.brokers.nats.address import parse_urls
from emmett.channels.brokers.nats.connection import NatsConnection
from emmett.errors import BrokerUnavailable
from tests.channels.brokers.nats.nodes import running
from tests.nats import Nats, running_nats

USERS = """authorization {{
  users: [
    {{ user: ada, password: "p@ss" }}
    {{ user: bob, password: secret, permissions: {{
        publish: {{ deny: ["emmett.c.no.>", "emmett.h.no.>"] }}, subscribe: {{ deny: "emmett.c.no.>" }} }} }}
  ]
}}"""


@pytest.fixture(scope="module")
def guarded() -> Iterator[Nats]:
    with running_nats("jetstream {{ store_dir: {store} }}", USERS) as server:
        yield server


def make(url: str, heard: list[bytes] | None = None) -> NatsConnection:
    [address], settings = parse_urls(url)
    return NatsConnection(address, settings, lambda _number, _subject, data, _headers: (heard or []).append(data))


def test_what_nats_py_has_inside() -> None:
    """A version of it that differs is to be noticed here."""
    client = Client()
    for name in ("_transport", "_reading_task", "_server_info"):
        assert hasattr(client, name), name
    hooks = {
        "_process_msg": ["self", "sid", "subject", "reply", "data", "headers"],
        "_process_pong": ["self"],
        "_process_err": ["self", "err_msg"],
        "_process_op_err": ["self", "e"],
    }
    for name, parameters in hooks.items():
        function = getattr(Client, name)
        assert inspect.iscoroutinefunction(function)
        assert list(inspect.signature(function).parameters) == parameters
    assert TcpTransport()._io_writer is None  # type: ignore[no-untyped-call]
    source = inspect.getsource(Client._connect_to_server)
    assert "if not self._transport:" in source, "a transport that is there already must be used"


async def test_an_answer_that_comes_too_late_harms_nobody(nats_server: Nats) -> None:
    """nats-py would end the task that reads."""
    connection = make(nats_server.url)
    await connection.open("test", 5)
    nats_server.pause()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(connection.flush(), 0.05)
    nats_server.resume()
    for _ in range(3):
        await asyncio.wait_for(connection.flush(), 5)
    await connection.close()


async def test_what_one_turn_asks_is_asked_once(nats_server: Nats, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = make(nats_server.url)
    await connection.open("test", 5)
    await connection.flush()
    written: list[bytes] = []
    write = connection._transport.write

    def note(data: bytes) -> None:
        written.append(data)
        write(data)

    monkeypatch.setattr(connection._transport, "write", note)
    await asyncio.gather(*(connection.publish("a", b"%d" % number) for number in range(100)))
    assert len(written) == 1
    assert written[0].count(b"PING\r\n") == 1
    await connection.close()


async def test_logins(guarded: Nats) -> None:
    place = guarded.url.removeprefix("nats://")
    async with running(f"nats://ada:p%40ss@{place}") as (broker, ear):
        await broker.subscribe(["no:1"])
        await broker.publish("no:1", b"1", None)
        assert await broker.check() > 0
        assert ear.payloads == [b"1"]
    for login in ("ada:wrong-one@", "wrong-one@", ""):
        with pytest.raises(BrokerUnavailable, match=r"(?i)authorization violation") as caught:
            async with running(f"nats://{login}{place}"):
                pass
        assert "wrong-one" not in str(caught.value)


async def test_what_is_not_permitted_is_told(guarded: Nats) -> None:
    url = guarded.url.replace("nats://", "nats://bob:secret@")
    async with running(url, 1.0) as (broker, ear):
        with pytest.raises(BrokerUnavailable, match=r"does not permit subscription: emmett\.c\.no\.1"):
            await broker.subscribe(["yes:1", "no:1"])
        with pytest.raises(BrokerUnavailable, match=r"does not permit publish: emmett\.c\.no\.1"):
            await broker.publish("no:1", b"1", None)
        await broker.subscribe(["yes:1"])
        await broker.publish("yes:1", b"2", None)
        await broker.check()
        # The connection stands.
        assert ear.said == [b"2"]


async def test_no_login_in_the_clear(nats_server: Nats) -> None:
    """Where the URL says TLS, a server that does not ask for it is sent nothing."""
    received = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id":"x","version":"2.15.0","headers":true,"max_payload":1048576}\r\n')
        received.extend(await reader.read())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connection = make(f"tls://ada:secret@127.0.0.1:{port}")
    with pytest.raises(BrokerUnavailable, match="says tls://") as caught:
        await connection.open("test", 5)
    assert "secret" not in str(caught.value)
    server.close()
    await server.wait_closed()
    assert received == b""


async def test_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    with running_nats(f"tls {{{{ cert_file: {tmp_path}/cert.pem, key_file: {tmp_path}/key.pem }}}}") as server:
        url = server.url.replace("nats://", "tls://")
        async with running(f"{url}?ca={tmp_path}/ca.pem") as (broker, ear):
            await broker.subscribe(["a"])
            await broker.publish("a", b"1", None)
            await broker.check()
            assert ear.said == [b"1"]
        with pytest.raises(BrokerUnavailable, match="certificate verify failed"):
            async with running(url):
                pass


async def test_what_is_too_large_is_refused_and_nothing_is_lost() -> None:
    with running_nats("max_payload: 10000") as server:
        async with running(server.url) as (broker, ear):
            await broker.subscribe(["a"])
            with pytest.raises(BrokerUnavailable, match="message of 10001 bytes: raise max_payload, 10000 now"):
                await broker.publish("a", bytes(10_001), None)
            await broker.publish("a", bytes(10_000), None)
            await broker.check()
            assert ear.said == [bytes(10_000)]


async def test_nothing_can_be_written_when_it_is_lost(nats_server: Nats) -> None:
    connection = make(nats_server.url)
    await connection.open("test", 5)
    flush = asyncio.ensure_future(connection.flush())
    request = asyncio.ensure_future(connection.request("nobody.answers.this.in.time", b""))
    await asyncio.sleep(0)
    connection.break_off("of a test")
    for call in (flush, request):
        with pytest.raises(BrokerUnavailable, match="of a test"):
            await call
    with pytest.raises(BrokerUnavailable, match="of a test"):
        await connection.flush()
    await connection.close()
    assert connection.broken.result() == "of a test"


async def test_nobody_answers(nats_server: Nats) -> None:
    connection = make(nats_server.url)
    await connection.open("test", 5)
    [reply] = await connection.request("nobody.is.there", b"")
    assert reply.status == 503
    await connection.close()
