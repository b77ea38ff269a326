"""The settings of compression: their defaults, what they take, for an application and for a route."""

from __future__ import annotations

import pytest

from emmett import App
from emmett.config import Config
from emmett.errors import ConfigurationError


def test_the_defaults_are_the_documented_ones() -> None:
    settings = Config().websocket
    assert settings.compression is None
    assert settings.compression_window_bits == 12
    assert settings.compression_memory_level == 5
    assert settings.compression_min_size == 64
    assert settings.compression_context_takeover is True


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("compression", [None, "deflate"]),
        ("compression_window_bits", [9, 15]),
        ("compression_memory_level", [1, 9]),
        ("compression_min_size", [0, 1, 10**9]),
        ("compression_context_takeover", [True, False]),
    ],
)
def test_valid_values_are_accepted(name: str, values: list[object]) -> None:
    settings = Config().websocket
    for value in values:
        setattr(settings, name, value)
        assert getattr(settings, name) == value


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("compression", "gzip", "None or 'deflate'"),
        ("compression", True, "None or 'deflate'"),
        ("compression", ["deflate"], "None or 'deflate'"),
        ("compression_window_bits", 8, "9 to 15"),
        ("compression_window_bits", 16, "9 to 15"),
        ("compression_window_bits", "12", "9 to 15"),
        ("compression_window_bits", True, "9 to 15"),
        ("compression_memory_level", 0, "1 to 9"),
        ("compression_memory_level", 10, "1 to 9"),
        ("compression_min_size", -1, "at least 0"),
        ("compression_min_size", 1.5, "at least 0"),
        ("compression_context_takeover", 1, "True or False"),
        ("compression_context_takeover", None, "True or False"),
        ("compression_level", 6, "allowed are"),
    ],
)
def test_invalid_values_are_refused(name: str, value: object, allowed: str) -> None:
    with pytest.raises(ConfigurationError, match=allowed) as caught:
        setattr(Config().websocket, name, value)
    assert name in str(caught.value)


def test_a_route_may_differ_from_its_application() -> None:
    app = App(__name__)
    app.config.websocket.compression = "deflate"

    @app.websocket("/plain", compression=None)
    async def plain() -> None: ...

    @app.websocket("/small", compression_window_bits=9)
    async def small() -> None: ...

    with pytest.raises(ConfigurationError, match="9 to 15"):
        app.websocket("/wrong", compression_window_bits=99)(small)

    def settings_of(path: str) -> tuple[object, int]:
        endpoint = app.table.websockets.match(path, scheme="ws", host="").endpoint
        assert endpoint is not None
        return endpoint.settings.compression, endpoint.settings.compression_window_bits

    assert settings_of("/plain") == (None, 12)
    assert settings_of("/small") == ("deflate", 9)
