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
def test_labels_contain_no_secret(url: str, label: str) -> None:
    [address], is_cluster, _, _ = parse_urls(url)
    assert address.label == label
    assert is_cluster == ("+cluster" in url)


def test_a_server_may_be_declared_durable() -> None:
    addresses, *_ = parse_urls("redis://h?durable=yes,redis://i?durable=no,unix:///tmp/socket?durable=yes,redis://j")
    assert [address.is_durable for address in addresses] == [True, False, True, False]
    assert not any("durable" in address.url.options for address in addresses)


def test_a_url_may_name_several_servers() -> None:
    addresses, is_cluster, _, _ = parse_urls("redis://a, redis://b:1/3,unix:///c")
    assert [address.label for address in addresses] == ["a:6379", "b:1/3", "/c"]
    assert not is_cluster


def test_connections_have_no_timeout_and_use_resp2() -> None:
    for url in ("redis://ann:pw@h:1/2", "unix:///s?db=2"):
        [address] = parse_urls(url).addresses
        connection = address.make_connection(1.5, "emmett")
        assert (connection.socket_timeout, connection.socket_connect_timeout) == (None, 1.5)
        assert (connection.protocol, connection.db, connection.client_name) == (2, 2, "emmett")
    assert (address.url.kind, connection.username) == (UnixDomainSocketConnection, None)


def test_nodes_of_a_cluster_use_the_login_of_the_seed() -> None:
    [seed] = parse_urls("rediss+cluster://ann:pw@h:1?ssl_cert_reqs=none").addresses
    node = seed.move("i", 2)
    assert (node.label, node.url.kind) == ("i:2", SSLConnection)
    assert (node.url.options["username"], node.url.options["password"]) == ("ann", "pw")
    assert seed.move("", 3).label == "h:3"


def test_sentinels_are_read_from_the_url() -> None:
    found = parse_urls("redis+sentinel://ann:pw@h:1,i,[::1]:2/main/3?sentinel_username=eve&sentinel_password=other")
    assert [each.label for each in found.sentinels] == ["h:1", "i:26379", "[::1]:2"]
    assert (found.service, found.is_cluster) == ("main", False)
    assert {(each.url.options["username"], each.url.options["password"]) for each in found.sentinels} == {
        ("eve", "other")
    }
    [server] = found.addresses
    primary = server.move("p", 7)
    assert (primary.label, primary.url.options["username"], primary.url.options["password"]) == ("p:7/3", "ann", "pw")
    [secure] = parse_urls("rediss+sentinel://h/main").sentinels
    assert secure.url.kind is SSLConnection


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "cannot be read"),
        ("http://:secret@h", "cannot be read"),
        ("redis://:secret@h:port", "cannot be read"),
        ("redis://:secret@a,b", "cannot be read"),
        ("unix://", "no path"),
        ("redis://:secret@h,redis+cluster://:secret@h", "all be nodes of one cluster"),
        ("redis://:secret@h,redis://h:6379", "twice"),
        ("redis+cluster://:secret@h/1", "only has database 0"),
        ("redis://:secret@h?durable=perhaps", "expected yes or no"),
        ("redis+cluster://:secret@h?durable=yes", "not durable"),
        ("redis+sentinel://:secret@h/main?durable=yes", "not durable"),
        ("redis+sentinel://:secret@h", "names no service"),
        ("redis+sentinel://:secret@/main", "cannot be read"),
        ("redis+sentinel://:secret@h,/main", "cannot be read"),
        ("redis+cluster://:secret@h?sentinel_password=secret", "says sentinel_password"),
    ],
)
def test_invalid_urls_are_refused(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as raised:
        parse_urls(url)
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None
