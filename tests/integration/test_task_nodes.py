"""Work that runs on one of two nodes, with Valkey between them, and is handed over when that node is killed."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tests.cli.project import SOURCE
from tests.cli.running import run_emmett
from tests.valkey import running_valkey

APP = """
    import os
    from emmett import App, Channels

    app = App(__name__)
    channels = Channels(app)

    @app.task(every=0.5, once=True)
    async def sample():
        with open("runs", "a") as file:
            file.write(f"{os.getpid()}\\\\n")
        print("ran", os.getpid(), flush=True)
"""


@pytest.mark.deadline(60)
def test_it_is_handed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    (tmp_path / "app.py").write_text(textwrap.dedent(APP), "utf-8")
    with running_valkey() as valkey:
        monkeypatch.setenv("EMMETT_BROKER", valkey.url)
        with run_emmett(tmp_path, "serve", "--port", "0") as first:
            first.wait_for(rf"ran {first.process.pid}")
            with run_emmett(tmp_path, "serve", "--port", "0") as second:
                second.wait_for(r"Application startup complete\.")
                first.process.kill()
                second.wait_for(rf"ran {second.process.pid}")
                assert second.interrupt() == 0
