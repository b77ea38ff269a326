from __future__ import annotations

import pytest
from redis.asyncio.connection import SSLConnection, UnixDomainSocketConnection

from emmett.channels.brokers.redis.address import parse_urls
from emmett.errors import ConfigurationError


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("redis://localhost", "localhost:6379"),
        ("redis://ann:secret@h:1/2", "h:1/2"),
        ("redis://h:1?db=2", "h:1/2"),
        ("rediss://:secret@h:1", "h:1"),
        ("unix:///tmp/socket", "/tmp/socket"),
        ("redis+cluster://:secret@h:1", "h:1"),
        ("rediss+cluster://h", "h:6379"),
    ],
)
def test_labels_hold_no_secret(url: str, label: str) -> None:
    [address], is_cluster = parse_urls(url)
    assert address.label == label
    assert is_cluster == ("+cluster" in url)


def test_a_server_may_be_declared_durable() -> None:
    addresses, _ = parse_urls("redis://h?durable=yes,redis://i?durable=no,unix:///tmp/socket?durable=yes,redis://j")
    assert [address.is_durable for address in addresses] == [True, False, True, False]
    assert not any("durable" in address.options for address in addresses)


def test_several() -> None:
    addresses, is_cluster = parse_urls("redis://a, redis://b:1/3,unix:///c")
    assert [address.label for address in addresses] == ["a:6379", "b:1/3", "/c"]
    assert not is_cluster


def test_connections_wait_for_ever_and_speak_resp2() -> None:
    for url in ("redis://ann:pw@h:1/2?socket_timeout=3&protocol=3&max_connections=5&timeout=2", "unix:///s?db=2"):
        [address], _ = parse_urls(url)
        connection = address.make_connection(1.5, "emmett")
        assert (connection.socket_timeout, connection.socket_connect_timeout) == (None, 1.5)
        assert (connection.protocol, connection.db, connection.client_name) == (2, 2, "emmett")
    assert (address.kind, connection.username) == (UnixDomainSocketConnection, None)


def test_a_node_of_a_cluster_is_spoken_to_as_its_seed() -> None:
    [seed], _ = parse_urls("rediss+cluster://ann:pw@h:1?ssl_cert_reqs=none")
    node = seed.move("i", 2)
    assert (node.label, node.kind) == ("i:2", SSLConnection)
    assert (node.options["username"], node.options["password"]) == ("ann", "pw")
    assert seed.move("", 3).label == "h:3"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "cannot be read"),
        ("http://:secret@h", "cannot be read"),
        ("redis://:secret@h:port", "cannot be read"),
        ("redis://:secret@a,b", "cannot be read"),
        ("unix://", "no path"),
        ("redis://:secret@h,redis+cluster://:secret@h", "all of one cluster"),
        ("redis://:secret@h,redis://h:6379", "twice"),
        ("redis+cluster://:secret@h/1", "no database but 0"),
        ("redis://:secret@h?durable=perhaps", "expected yes or no"),
        ("redis+cluster://:secret@h?durable=yes", "not durable"),
    ],
)
def test_urls_that_cannot_be_used(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as raised:
        parse_urls(url)
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None
