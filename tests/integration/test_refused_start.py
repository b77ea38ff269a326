"""A server whose broker refuses: it ends at once, with one line that explains it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import run_emmett
from tests.ports import free_port
from tests.valkey import running_valkey

APP = """
from emmett import App, Channels

app = App(__name__)
channels = Channels(app)
channels.namespace("room", history=10)


@app.route("/")
async def index():
    return "here"
"""


@pytest.mark.parametrize(
    ("url", "rules", "line"),
    [
        ("redis://ann:wrong@{}", "+@all", r"WRONGPASS: .*\(check user and password in the URL\)"),
        ("redis://ann:secret@{}", "+@all -evalsha", r"NOPERM: .*'evalsha' command.*docs/channels\.md has the list"),
        ("redis+cluster://{}", "+@all", r"not a node of a cluster: write redis://"),
    ],
)
def test_a_broker_that_refuses_ends_the_start_at_once(
    url: str, rules: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app.py").write_text(APP)
    with running_valkey(free_port()) as valkey, valkey.user("~*", "&*", *rules.split()):
        monkeypatch.setenv("EMMETT_BROKER", url.format(valkey.address))
        with run_emmett(tmp_path, "serve", "--port", "0") as running:
            running.wait_for(f"BrokerRefused: .*{line}")
            running.wait_for("Application startup failed")
            assert running.process.wait(30) == 3
    assert "Traceback" not in running.text
    # It was tried only once.
    assert "tried again" not in running.text
    assert len([each for each in running.text.splitlines() if "refuse" in each.lower() or "slot" in each]) == 1
