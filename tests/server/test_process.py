"""Contradictory options; tests/cli/ and tests/integration/ run real processes."""

from __future__ import annotations

import socket

import pytest

from emmett import App
from emmett.errors import ConfigurationError
from emmett.server import serve
from emmett.server.process import ServerOptions


@pytest.mark.parametrize(
    "options", [ServerOptions(workers=2, configure_logging=False), ServerOptions(reload=True, configure_logging=False)]
)
def test_other_processes_need_an_import_string(options: ServerOptions) -> None:
    with pytest.raises(ConfigurationError, match=r"package\.module:name"):
        serve(App(__name__), **options)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_address_in_use_ends_with_status_3(workers: int, caplog: pytest.LogCaptureFixture) -> None:
    app: App | str = App(__name__) if workers == 1 else "app:app"
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(SystemExit) as caught:
        serve(app, port=other.getsockname()[1], workers=workers, configure_logging=False)
    assert caught.value.code == 3
    assert "cannot listen" in caplog.text
