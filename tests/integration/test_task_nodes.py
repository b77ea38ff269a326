"""Work that runs on one of two nodes, with Valkey or NATS between them, and is handed over when that node is killed."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.project import SOURCE
from tests.cli.running import run_emmett
from tests.nats import running_nats
from tests.valkey import running_valkey

APP = """
    import asyncio
    import os
    from emmett import App, Channels

    app = App(__name__)
    channels = Channels(app)

    @app.task(every=0.5, once=True)
    async def sample():
        with open("runs", "a") as file:
            file.write(f"{os.getpid()}\\\\n")
        print("ran", os.getpid(), flush=True)

    @app.background(once=True)
    async def watch():
        print("watches", os.getpid(), flush=True)
        await asyncio.get_running_loop().create_future()
"""


@pytest.mark.parametrize("start_broker", [running_valkey, running_nats], ids=["valkey", "nats"])
def test_work_is_handed_over(
    start_broker: Callable[[], AbstractContextManager[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    (tmp_path / "app.py").write_text(textwrap.dedent(APP), "utf-8")
    with start_broker() as broker:
        monkeypatch.setenv("EMMETT_BROKER", broker.url)
        with run_emmett(tmp_path, "serve", "--port", "0") as first:
            first.wait_for_all(rf"ran {first.process.pid}", rf"watches {first.process.pid}")
            with run_emmett(tmp_path, "serve", "--port", "0") as second:
                second.wait_for(r"Application startup complete\.")
                assert "watches" not in second.text
                first.process.kill()
                second.wait_for_all(rf"ran {second.process.pid}", rf"watches {second.process.pid}")
                assert second.interrupt() == 0
