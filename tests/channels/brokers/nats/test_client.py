"""The private parts of nats-py that emmett relies on."""

from __future__ import annotations

import inspect
import tomllib

import pytest
from nats.aio.client import Client

from emmett.channels.brokers.nats import NatsBroker
from emmett.channels.brokers.nats.client import TESTED, check_library
from emmett.errors import ConfigurationError
from tests.imports import ROOT


def test_the_installed_version_has_these_parts() -> None:
    check_library()
    source = inspect.getsource(Client._connect_to_server)
    assert "if not self._transport:" in source, "an existing transport must be used"


def test_an_incompatible_version_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def process_msg(self: Client, message: object) -> None:
        """A replacement that takes another number of arguments."""

    monkeypatch.setattr(Client, "_process_msg", process_msg)
    monkeypatch.delattr(Client, "_process_pong")
    with pytest.raises(
        ConfigurationError, match=r"nats-py 2.* not have Client\._process_msg, Client\._process_pong"
    ) as caught:
        NatsBroker("nats://localhost")
    assert f"install 'nats-py{TESTED}'" in str(caught.value)


def test_the_range_is_that_of_the_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert f"nats-py{TESTED}" in project["optional-dependencies"]["nats"]
