from __future__ import annotations

import pytest

from emmett.channels.brokers.nats.address import NatsAddress, parse_urls
from emmett.errors import ConfigurationError


def test_a_url_may_name_one_server() -> None:
    [address], settings = parse_urls("nats://localhost")
    assert address == NatsAddress("localhost:4222", "localhost", 4222, False, "localhost", {})
    assert address.url == "nats://localhost:4222"
    assert (settings.replicas, settings.storage, settings.credentials, settings.ca) == (1, "file", "", "")


def test_a_url_may_name_several_servers_and_settings() -> None:
    addresses, settings = parse_urls("tls://a:1, tls://[::1]:2?replicas=3&storage=memory,tls://c?ca=/x&credentials=/y")
    assert [address.url for address in addresses] == ["tls://a:1", "tls://[::1]:2", "tls://c:4222"]
    assert (settings.replicas, settings.storage, settings.credentials, settings.ca) == (3, "memory", "/y", "/x")


def test_logins_are_read_from_the_url() -> None:
    addresses, _ = parse_urls("nats://us%40er:p%3Ass@a,nats://t%2Fken@b")
    assert [address.login for address in addresses] == [{"user": "us@er", "password": "p:ss"}, {"token": "t/ken"}]
    assert addresses[0].move("d", 1) == NatsAddress("d:1", "d", 1, False, "a", addresses[0].login)
    assert not {"p:ss", "p%3Ass", "us@er"} & {addresses[0].url, addresses[0].label}


@pytest.mark.parametrize(
    "url",
    [
        *("", "nats://", "http://secret@a", "nats://secret@a:x", "nats://secret@a/path", "nats://secret@a#x"),
        *("nats://secret@a:99999", "nats://secret@a,", "nats://secret@a,tls://b"),
        *("nats://secret@a?replicas=0", "nats://secret@a?replicas=6", "nats://secret@a?storage=disk"),
        *("nats://secret@a?other=1", "nats://secret@a?ca="),
    ],
)
def test_errors_about_unreadable_urls_do_not_show_them(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"expected|all be tls") as caught:
        parse_urls(url)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
