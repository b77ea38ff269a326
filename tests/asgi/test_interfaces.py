"""Servers that call the application by an interface other than ASGI 3."""

from __future__ import annotations

import asyncio
import inspect
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast
from wsgiref.util import setup_testing_defaults

import pytest

from emmett import App
from tests.ports import free_port


def called(*arguments: Any) -> str:
    with pytest.raises(TypeError) as caught:
        cast(Any, App(__name__))(*arguments)
    return str(caught.value)


def test_a_call_as_wsgi_is_reported() -> None:
    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    assert "gunicorn -k uvicorn_worker.UvicornWorker app:app" in called(environ, lambda *_: None)


def test_calls_as_rsgi_or_asgi_2_are_reported() -> None:
    assert "granian --interface asgi app:app" in called(object(), object())
    assert "with 1 arguments; ASGI 3 has three" in called({"type": "http"})


async def test_the_arguments_may_be_passed_by_name() -> None:
    """daphne passes them by name."""
    sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    for kind in ("startup", "shutdown"):
        received.put_nowait({"type": f"lifespan.{kind}"})
    await cast(Any, App(__name__))(scope={"type": "lifespan"}, receive=received.get, send=sent.put)
    assert [sent.get_nowait()["type"] for _ in range(2)] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_it_looks_like_a_coroutine_function() -> None:
    """uvicorn and hypercorn find out in this way which interface an application has."""
    app = App(__name__)
    assert inspect.iscoroutinefunction(app.__call__)
    assert asyncio.iscoroutinefunction(app.__call__)
    assert callable(app)


def poke(port: int) -> None:
    """Send a request as soon as the server listens; granian does not report when it does."""
    while True:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                return
        time.sleep(0.02)


def test_granian_with_its_default_interface_shows_the_explanation(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("from emmett import App\napp = App(__name__)")
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "granian", "--port", str(port), "app:app"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        while "Started worker" not in process.stdout.readline():
            assert process.poll() is None
        poke(port)
        for line in process.stdout:
            if "granian --interface asgi app:app" in line:
                break
        else:
            pytest.fail("granian ended without the explanation")
    finally:
        process.terminate()
        process.communicate(timeout=180)
