"""The typed keyword arguments are the settings, by name and by type."""

from __future__ import annotations

import typing
from typing import Any

import pytest

from emmett import App
from emmett.config import CallsSettings, CentrifugeSettings, HTTPSettings, Settings, WebsocketSettings
from emmett.route_settings import CallsLimits, CentrifugeLimits, RequestLimits, WebsocketLimits


def types_of(section: type[Settings]) -> dict[str, Any]:
    hints = typing.get_type_hints(section)
    return {name: hints[name] for name in section._settings}


def test_a_request_route_takes_the_settings_that_routes_may_have() -> None:
    expected = {name: kind for name, kind in types_of(HTTPSettings).items() if name in HTTPSettings.per_route}
    assert typing.get_type_hints(RequestLimits) == expected


def test_websocket_and_call_routes_take_all_settings_of_their_sections() -> None:
    assert typing.get_type_hints(WebsocketLimits) == types_of(WebsocketSettings)
    assert typing.get_type_hints(CallsLimits) == types_of(WebsocketSettings) | types_of(CallsSettings)
    assert typing.get_type_hints(CentrifugeLimits) == types_of(WebsocketSettings) | types_of(CentrifugeSettings)


@pytest.mark.parametrize("kind", ["route", "websocket"])
def test_an_unknown_setting_is_refused_at_run_time(kind: str) -> None:
    async def handler() -> None: ...

    with pytest.raises(ValueError, match="max_body_sise"):
        getattr(App(__name__), kind)("/a", max_body_sise=1)(handler)
