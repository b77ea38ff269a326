from __future__ import annotations

import sys
from typing import Any

import pytest

from emmett import App, Channels
from emmett.centrifuge import Centrifuge
from emmett.errors import ConfigurationError, UsageError
from tests.centrifuge.kit import PATH, Service


def make(**options: Any) -> Centrifuge:
    app = App(__name__)
    return Centrifuge(app, Channels(app), **options)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"audience": "x"}, "pass secret, public_keys or jwks as well"),
        ({"secret": ""}, "secret is empty"),
        ({"personal_namespace": "user"}, "requires personal_channels=True"),
        ({"personal_channels": True, "personal_namespace": "a b"}, "personal_namespace='a b'"),
        ({"max_chanels": 5}, "max_chanels"),
        ({"max_channels": 0}, "at least 1"),
    ],
)
def test_invalid_options_are_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        make(**options)


def test_settings_of_the_endpoint_override_those_of_the_application() -> None:
    app = App(__name__)
    app.config.centrifuge.max_channels = 7
    centrifuge = Centrifuge(app, Channels(app), max_history=5, max_message_size=10_000)
    assert (centrifuge.settings.max_channels, centrifuge.settings.max_history) == (7, 5)


def test_tokens_without_pyjwt_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jwt", None)
    monkeypatch.delitem(sys.modules, "emmett.centrifuge.keys", raising=False)
    monkeypatch.delitem(sys.modules, "emmett.centrifuge.tokens", raising=False)
    with pytest.raises(ConfigurationError, match="pip install"):
        make(secret="x" * 32)
    assert make().verifier is None


def test_a_function_can_be_registered_only_once() -> None:
    centrifuge = make()

    @centrifuge.on_message
    def first(client: Any, data: Any) -> None: ...

    with pytest.raises(ConfigurationError, match="another function"):

        @centrifuge.on_message
        def second(client: Any, data: Any) -> None: ...


def test_the_client_is_available_only_while_its_command_runs() -> None:
    with pytest.raises(UsageError, match="only while a command"):
        _ = make().client


@pytest.mark.parametrize(
    ("offered", "chosen"), [((), None), (("centrifuge-json",), "centrifuge-json"), (("other",), None)]
)
async def test_the_subprotocol_is_negotiated(offered: tuple[str, ...], chosen: str | None) -> None:
    service = Service()
    async with service.run(), service.client.websocket(PATH, subprotocols=offered) as websocket:
        assert websocket.subprotocol == chosen
        await websocket.send('{"id":1,"connect":{}}')
        assert str(await websocket.receive()).startswith('{"id":1,"connect":{"client":')
