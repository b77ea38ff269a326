"""URLs of Redis servers: what they may contain, and that mistakes are found when a URL is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection

from emmett.errors import ConfigurationError
from emmett.redis_urls import is_sentinel_url, parse_redis_url, parse_sentinel_url


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    file = tmp_path / "ca.pem"
    file.write_text("")
    return file


def test_each_part_of_a_url_is_read(certificates: Path) -> None:
    found = parse_redis_url("redis://ann:p%40ss@h:1/2")
    assert (found.label, found.kind) == ("h:1/2", Connection)
    assert found.options == {"username": "ann", "password": "p@ss", "host": "h", "port": 1, "db": 2}
    assert parse_redis_url("redis://").label == "localhost:6379"
    assert parse_redis_url("redis://[::1]").label == "[::1]:6379"
    assert parse_redis_url(" redis://h/ ").label == "h:6379"
    found = parse_redis_url("unix://ann:pw@/run/redis?db=3")
    assert (found.label, found.kind, found.options["username"]) == ("/run/redis/3", UnixDomainSocketConnection, "ann")
    found = parse_redis_url(f"rediss://h?ca={certificates}&ssl_check_hostname=no")
    assert found.kind is SSLConnection
    assert (found.options["ssl_ca_certs"], found.options["ssl_check_hostname"]) == (str(certificates), False)
    found = parse_redis_url("redis://h?mine=x", ["mine", "other"])
    assert (found.settings, "mine" in found.options) == ({"mine": "x"}, False)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("redis://:secret@h?pasword=secret", "says pasword=…: expected db$"),
        ("redis://:secret@h?timeout=3", "says timeout=…"),
        ("redis://:secret@h?max_connections=3", "says max_connections=…"),
        ("redis://:secret@h?socket_timeout=3", "says socket_timeout=…"),
        ("redis://:secret@h?protocol=3", "says protocol=…"),
        ("redis://:secret@h?ca=/x", "says ca=….*it needs TLS: rediss://"),
        ("redis://:secret@h?ssl_cert_reqs=none", "it needs TLS"),
        ("unix://:secret@/x?ca=/x", "it needs TLS"),
        ("rediss://:secret@h?ca=/nowhere/ca.pem", "says ca=/nowhere/ca.pem: there is no such file"),
        ("rediss://:secret@h?ca=", "there is no such file"),
        ("rediss://:secret@h?ssl_certfile=/nowhere", "there is no such file"),
        ("rediss://:secret@h?ssl_cert_reqs=perhaps", "perhaps"),
        ("redis://:secret@h?db=x", "Invalid value for 'db'"),
        ("redis://:secret@h/x", "the number of a database, such as /0"),
        ("redis://:secret@h/1/2", "the number of a database"),
        ("redis://:secret@h:port", "cannot be read"),
        ("http://:secret@h", "cannot be read"),
        ("h:6379", "cannot be read"),
        ("unix://", "no path"),
    ],
)
def test_invalid_urls_are_refused(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as raised:
        parse_redis_url(url)
    assert "secret" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_sentinels_have_their_own_login_and_port(certificates: Path) -> None:
    found = parse_sentinel_url(
        f"rediss+sentinel://ann:pw@h,i:1/my.service-1/4?ca={certificates}&sentinel_password=other"
    )
    assert found.service == "my.service-1"
    assert [each.label for each in found.sentinels] == ["h:26379", "i:1"]
    for each in found.sentinels:
        assert each.kind is SSLConnection
        assert each.options["ssl_ca_certs"] == str(certificates)
        assert ("username" in each.options, each.options["password"], "db" in each.options) == (False, "other", False)
    assert (found.server.options["username"], found.server.options["db"]) == ("ann", 4)
    assert found.server.move("p", 2).label == "p:2/4"
    assert "password" not in parse_sentinel_url("redis+sentinel://:pw@h/main").sentinels[0].options
    assert is_sentinel_url("redis+sentinel://h/main")
    assert not is_sentinel_url("redis://h/main")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("redis+sentinel://:secret@h", "names no service"),
        ("redis+sentinel://:secret@h/a b", "names no service"),
        ("redis+sentinel://:secret@/main", "cannot be read"),
        ("redis+sentinel://:secret@h,,i/main", "cannot be read"),
        ("redis+sentinel://:secret@h:x/main", "cannot be read"),
        ("redis+sentinel://:secret@h/main/x", "the number of a database"),
        ("redis+sentinel://:secret@h/main?ca=/x", "it needs TLS"),
        ("redis+sentinel://:secret@h/main?sentinel_pasword=x", "says sentinel_pasword"),
        ("redis://:secret@h/main", "cannot be read"),
    ],
)
def test_invalid_urls_of_sentinels_are_refused(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as raised:
        parse_sentinel_url(url)
    assert "secret" not in str(raised.value)
