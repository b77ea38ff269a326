"""The listening sockets that the processes of a server share."""

from __future__ import annotations

import logging
import os
from tempfile import TemporaryDirectory

import pytest

from emmett.engine import ENGINE
from emmett.server import make_config
from emmett.server.listeners import Listeners
from emmett.server.listening import is_served


def test_a_port_chosen_by_the_system_is_kept(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    # An earlier server in this process may have configured uvicorn's loggers, which `emmett develop` filters.
    for name in ("uvicorn", "uvicorn.error"):
        monkeypatch.setattr(logging.getLogger(name), "propagate", True)
        monkeypatch.setattr(logging.getLogger(name), "disabled", False)
        monkeypatch.setattr(logging.getLogger(name), "filters", [])
    config = make_config("app:app", port=0, configure_logging=False)
    with Listeners(config) as listeners:
        port = listeners.sockets[0].getsockname()[1]
        listeners.close()
        listeners.open()
        assert listeners.sockets[0].getsockname()[1] == port
        with caplog.at_level(logging.INFO, "uvicorn.error"):
            listeners.log_address()
    assert listeners.sockets == []
    assert f"Listening on http://127.0.0.1:{port} " in caplog.text
    assert f"Messages pass the {ENGINE} engine." in caplog.text


def test_the_file_of_a_unix_socket_is_removed_with_the_server() -> None:
    with TemporaryDirectory(dir="/tmp") as folder:
        path = f"{folder}/web.sock"
        with Listeners(make_config("app:app", uds=path, configure_logging=False)):
            assert is_served(path)
        assert not os.path.exists(path)
