"""The configuration of a server."""

from __future__ import annotations

import pytest

from emmett import App
from emmett.errors import ConfigurationError
from emmett.server import make_config
from emmett.server.server_config import RELOAD_TIMEOUT


def test_it_keeps_the_application_and_its_shutdown_timeout() -> None:
    app = App(__name__)
    app.config.server.shutdown_timeout = 7.5
    config = make_config(app, configure_logging=False)
    config.load()
    assert config.application is app
    assert config.shutdown_timeout == 7.5


def test_during_development_the_old_process_ends_at_once() -> None:
    config = make_config(App(__name__), configure_logging=False, reload=True)
    config.load()
    assert config.shutdown_timeout == RELOAD_TIMEOUT


def test_anything_but_an_application_is_refused() -> None:
    async def asgi(scope: object, receive: object, send: object) -> None: ...

    config = make_config(asgi, configure_logging=False)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"emmett\.App"):
        config.load()


def test_an_unknown_loop_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="loop is 'trio'; expected one of auto, asyncio, uvloop"):
        make_config(App(__name__), configure_logging=False, loop="trio")
