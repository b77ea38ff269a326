"""What our configuration adds to uvicorn's."""

from __future__ import annotations

import pytest

from emmett import App
from emmett.errors import ConfigurationError
from emmett.server import make_config
from emmett.server.uvicorn_config import RELOAD_TIMEOUT


def test_it_remembers_the_application_and_its_shutdown_timeout() -> None:
    app = App(__name__)
    app.config.server.shutdown_timeout = 7.5
    config = make_config(app, configure_logging=False)
    config.load()
    assert config.application is app
    assert config.timeout_graceful_shutdown == 7.5


def test_while_developing_nobody_waits_for_the_old_process() -> None:
    config = make_config(App(__name__), configure_logging=False, reload=True)
    config.load()
    assert config.timeout_graceful_shutdown == RELOAD_TIMEOUT


def test_what_is_no_application() -> None:
    async def asgi(scope: object, receive: object, send: object) -> None: ...

    config = make_config(asgi, configure_logging=False)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"emmett\.App"):
        config.load()
