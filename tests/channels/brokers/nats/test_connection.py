"""Connections: requests, refusals and losses."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import nkeys  # type: ignore[import-untyped]
import pytest
import trustme

from emmett.channels.brokers.nats import NatsBroker
from emmett.channels.brokers.nats.address import parse_urls
from emmett.channels.brokers.nats.connection import NatsConnection
from emmett.channels.brokers.port import Limits, Needs
from emmett.errors import BrokerRefused, BrokerUnavailable, ConfigurationError
from tests.channels.brokers.clock import RecordingListener
from tests.channels.brokers.nats.nodes import running
from tests.docs.pages import page
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


async def test_a_late_answer_does_no_harm(nats_server: Nats) -> None:
    """nats-py would end the task that reads the connection."""
    connection = make(nats_server.url)
    await connection.open("test", 5)
    nats_server.pause()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(connection.flush(), 0.05)
    nats_server.resume()
    for _ in range(3):
        await asyncio.wait_for(connection.flush(), 5)
    await connection.close()


async def test_publications_of_one_turn_are_written_at_once(nats_server: Nats, monkeypatch: pytest.MonkeyPatch) -> None:
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


async def test_every_kind_of_login_works(guarded: Nats) -> None:
    place = guarded.url.removeprefix("nats://")
    async with running(f"nats://ada:p%40ss@{place}") as (broker, listener):
        await broker.subscribe(["no:1"])
        await broker.publish("no:1", b"1", None)
        assert await broker.check() > 0
        assert listener.payloads == [b"1"]
    for login in ("ada:wrong-one@", "wrong-one@", ""):
        with pytest.raises(BrokerUnavailable, match=r"(?i)authorization violation") as caught:
            async with running(f"nats://{login}{place}"):
                pass
        assert "wrong-one" not in str(caught.value)


async def test_a_denied_permission_is_reported(guarded: Nats) -> None:
    url = guarded.url.replace("nats://", "nats://bob:secret@")
    async with running(url, 1.0) as (broker, listener):
        with pytest.raises(BrokerUnavailable, match=r"does not permit subscription: emmett\.c\.no\.1"):
            await broker.subscribe(["yes:1", "no:1"])
        with pytest.raises(BrokerUnavailable, match=r"does not permit publish: emmett\.c\.no\.1"):
            await broker.publish("no:1", b"1", None)
        await broker.subscribe(["yes:1"])
        await broker.publish("yes:1", b"2", None)
        await broker.check()
        # The connection stays usable.
        assert listener.said == [b"2"]


async def test_a_refusal_names_its_channels_and_affects_no_others(
    guarded: Nats, caplog: pytest.LogCaptureFixture
) -> None:
    url = guarded.url.replace("nats://", "nats://bob:secret@")
    async with running(url, 1.0) as (broker, listener):
        await broker.subscribe(["yes:2"])
        with pytest.raises(BrokerRefused) as caught:
            await broker.subscribe(["yes:1", "no:1", "no:2", "yes:2"])
        assert caught.value.names == {"no:1", "no:2"}
        with pytest.raises(BrokerRefused, match=r"refuses: it does not permit publish: emmett\.h\.no\.1"):
            await broker.publish("no:1", b"1", Limits(10, 60.0))
        await broker.publish("yes:2", b"2", None)
        await broker.check()
        assert listener.payloads == [b"2"]
    assert "does not permit publish: emmett.h.no.1" in caplog.text
    assert "2 channels may not be subscribed to, the first is 'no:1'" in caplog.text


async def test_a_user_without_permission_for_answers_is_refused_at_once() -> None:
    user = '{{ user: ada, password: pw, permissions: {{ subscribe: "emmett.>" }} }}'
    with running_nats(f"authorization {{{{ users: [ {user} ] }}}}") as server:
        broker = NatsBroker(server.url.replace("nats://", "nats://ada:pw@"))
        with pytest.raises(BrokerRefused, match=r"does not permit subscription to _INBOX\.>.*permit it for this user"):
            await broker.start(RecordingListener())


async def test_the_documented_permissions_are_enough() -> None:
    text = " ".join(page("docs/channels.md").text.split())
    assert "publish to `emmett.>`, and to subscribe to `emmett.c.>` and to `_INBOX.>`" in text
    assert "permission to publish to `$JS.API.>` and `$KV.emmett-presence.>`" in text
    permissions = 'publish: ["emmett.>", "$JS.API.>", "$KV.emmett-presence.>"], subscribe: ["emmett.c.>", "_INBOX.>"]'
    user = f"{{{{ user: ada, password: pw, permissions: {{{{ {permissions} }}}} }}}}"
    with running_nats("jetstream {{ store_dir: {store} }}", f"authorization {{{{ users: [ {user} ] }}}}") as server:
        async with running(server.url.replace("nats://", "nats://ada:pw@"), 5.0) as (broker, listener):
            await broker.check(Needs(history=True, presence=True))
            await broker.subscribe(["room:1", "room:*"])
            await broker.publish("room:1", b"1", Limits(10, 60.0))
            await broker.publish("room:1", b"2", None)
            await broker.check()
            assert sorted(listener.payloads) == [b"1", b"1", b"2", b"2"]


async def test_the_limit_of_an_account_is_honoured() -> None:
    """Reliability, line 87: it is below that of the server, and arrives in a separate INFO after the login."""
    accounts = """accounts {{
      SMALL {{ jetstream: enabled, users: [ {{ user: small, password: pw }} ], limits: {{ max_payload: 2000 }} }}
      LARGE {{ users: [ {{ user: large, password: pw }} ] }}
    }}"""
    with running_nats("jetstream {{ store_dir: {store} }}", accounts) as server:
        url = server.url.replace("nats://", "nats://small:pw@")
        async with running(url) as (broker, listener), running(url.replace("small", "large")) as (other, other_ear):
            await broker.subscribe(["a", "room:1"])
            await other.subscribe(["a"])
            for limits in (None, Limits(100, 60.0)):
                with pytest.raises(BrokerRefused, match=r"raise max_payload, 2000 now, .* or of the account"):
                    await broker.publish("room:1", bytes(2001), limits)
            await broker.publish("a", bytes(2000), None)
            await other.publish("a", bytes(10_000), None)
            # Packed messages stay within the limit, too.
            await asyncio.gather(*(broker.publish("room:1", bytes(600), Limits(100, 60.0)) for _ in range(30)))
            await broker.check()
            await other.check()
            assert listener.said == [bytes(2000), *[bytes(600)] * 30]
            assert other_ear.said == [bytes(10_000)]
        assert "Maximum Payload" not in server.log()


async def test_changed_limits_are_honoured(nats_server: Nats) -> None:
    connection = make(nats_server.url)
    await connection.open("test", 5)
    await connection.publish("a", bytes(200))
    await connection._client._process_info({"max_payload": 100})
    with pytest.raises(BrokerRefused, match="message of 200 bytes: raise max_payload, 100 now"):
        await connection.publish("a", bytes(200))
    assert connection.info["server_id"]
    await connection.close()


async def test_an_nkey_seed_works_without_a_jwt(tmp_path: Path) -> None:
    seed = nkeys.encode_seed(bytes(range(32)), nkeys.PREFIX_BYTE_USER)
    public = nkeys.from_seed(bytearray(seed)).public_key.decode()
    good, bad, wrong = tmp_path / "user.nk", tmp_path / "bad.nk", tmp_path / "wrong.nk"
    good.write_bytes(seed + b"\n")
    wrong.write_bytes(nkeys.encode_seed(bytes(32), nkeys.PREFIX_BYTE_USER))
    bad.write_text("no seed")
    with running_nats(f"authorization {{{{ users: [ {{{{ nkey: {public} }}}} ] }}}}") as server:
        async with running(f"{server.url}?nkey={good}") as (broker, listener):
            await broker.subscribe(["a"])
            await broker.publish("a", b"1", None)
            await broker.check()
            assert listener.said == [b"1"]
        for path, why in ((wrong, "(?i)authorization violation"), (bad, "key in its file cannot be read")):
            with pytest.raises(BrokerRefused, match=why):
                async with running(f"{server.url}?nkey={path}"):
                    pass
        with pytest.raises(BrokerUnavailable, match="No such file"):
            async with running(f"{server.url}?nkey={tmp_path}/nowhere"):
                pass


def test_keys_without_their_library_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emmett.channels.brokers.nats.client.KEY_ERRORS", ())
    for setting in ("nkey=/a", "credentials=/a"):
        with pytest.raises(ConfigurationError, match="pip install 'nkeys"):
            NatsBroker(f"nats://localhost?{setting}")
    NatsBroker("nats://localhost")


async def test_no_login_is_sent_in_the_clear(nats_server: Nats) -> None:
    """If the URL requires TLS, nothing is sent to a server without it."""
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


async def test_a_server_is_verified_over_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    with running_nats(f"tls {{{{ cert_file: {tmp_path}/cert.pem, key_file: {tmp_path}/key.pem }}}}") as server:
        url = server.url.replace("nats://", "tls://")
        async with running(f"{url}?ca={tmp_path}/ca.pem") as (broker, listener):
            await broker.subscribe(["a"])
            await broker.publish("a", b"1", None)
            await broker.check()
            assert listener.said == [b"1"]
        with pytest.raises(BrokerUnavailable, match="certificate verify failed"):
            async with running(url):
                pass


async def test_a_message_that_is_too_large_is_refused_without_losing_others() -> None:
    with running_nats("max_payload: 10000") as server:
        async with running(server.url) as (broker, listener):
            await broker.subscribe(["a"])
            with pytest.raises(BrokerUnavailable, match="message of 10001 bytes: raise max_payload, 10000 now"):
                await broker.publish("a", bytes(10_001), None)
            await broker.publish("a", bytes(10_000), None)
            await broker.check()
            assert listener.said == [bytes(10_000)]


async def test_calls_on_a_lost_connection_fail(nats_server: Nats) -> None:
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


async def test_a_request_without_a_responder_gets_status_503(nats_server: Nats) -> None:
    connection = make(nats_server.url)
    await connection.open("test", 5)
    [reply] = await connection.request("nobody.is.there", b"")
    assert reply.status == 503
    await connection.close()
