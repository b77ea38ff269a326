"""Which hosts an application serves: by its setting, and while developing."""

from __future__ import annotations

import logging

import pytest

from emmett.config import ServerSettings
from emmett.dispatch import hosts
from emmett.dispatch.hosts import allowed_hosts, check_host
from emmett.environment import DEVELOP
from emmett.errors import RequestError
from emmett.wire.hosts import AllowedHosts


def test_all_hosts_by_default() -> None:
    assert allowed_hosts(ServerSettings(), "127.0.0.1") is None


@pytest.mark.parametrize("listed", ["example.com", ["example.com"]])
def test_only_hosts_of_the_setting_are_served(listed: str | list[str]) -> None:
    allowed = allowed_hosts(ServerSettings(allowed_hosts=listed), "127.0.0.1")
    assert allowed is not None
    assert allowed.allows("example.com")
    assert not allowed.allows("127.0.0.1")


@pytest.mark.parametrize(
    ("bound", "served", "refused"),
    [
        ("127.0.0.1", ("127.0.0.1:8000", "localhost", "[::1]"), ("192.0.2.7", "evil.com")),
        ("192.0.2.7", ("192.0.2.7:8000", "localhost"), ("192.0.2.8", "evil.com")),
        ("machine.local", ("machine.local:8000", "127.0.0.1"), ("192.0.2.7", "evil.com")),
        ("0.0.0.0", ("192.0.2.7:8000", "[2001:db8::7]", "localhost"), ("machine.local", "evil.com")),
        ("::", ("192.0.2.7:8000",), ("evil.com",)),
        (None, ("localhost",), ("192.0.2.7", "evil.com")),
    ],
)
def test_only_local_hosts_are_served_during_development(
    bound: str | None, served: tuple[str, ...], refused: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DEVELOP, "app:app")
    allowed = allowed_hosts(ServerSettings(), bound)
    with_more = allowed_hosts(ServerSettings(allowed_hosts=["evil.com"]), bound)
    assert allowed is not None
    assert with_more is not None
    assert all(map(allowed.allows, served))
    assert not any(map(allowed.allows, refused))
    assert all(map(with_more.allows, (*served, "evil.com")))


def test_a_refusal_is_logged_once_for_each_host(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "_logged", set())
    monkeypatch.setattr(hosts, "MAX_LOGGED_HOSTS", 2)
    allowed = AllowedHosts(["example.com"])
    for host in (b"evil", b"evil", b"other", b"third"):
        with pytest.raises(RequestError) as caught:
            check_host(allowed, [(b"host", host)])
        assert caught.value.status == 421
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert lines == [
        f"host {host!r} is not served: add it to the setting server.allowed_hosts if it should be"
        for host in ("evil", "other")
    ]


def test_spaces_and_a_missing_host_are_accepted() -> None:
    allowed = AllowedHosts(["example.com"])
    check_host(allowed, [(b"host", b" example.com:80 ")])
    # Requests without Host are accepted: the check protects browsers, which always send it.
    check_host(allowed, [(b"accept", b"*/*")])
