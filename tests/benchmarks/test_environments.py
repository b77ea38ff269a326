from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from benchmarks import environments
from benchmarks.environments import (
    OWN,
    Environment,
    EnvironmentUnavailable,
    NodeEnvironment,
    make_folder,
)

PEER = Environment("peer", ("peer==1.0",))


class Installer:
    """Replaces venv, pip and uv: records the commands, makes an interpreter file, fails on request."""

    def __init__(self, *, fails: bool = False) -> None:
        self.commands: list[list[str]] = []
        self.fails = fails

    def __call__(self, command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        self.commands.append(command)
        if "venv" in command:
            place = Path(command[-1])
            python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
            python.parent.mkdir(parents=True, exist_ok=True)
            python.touch()
        elif self.fails:
            return subprocess.CompletedProcess(command, 1, "", "looking for peer\nERROR: no matching distribution\n")
        return subprocess.CompletedProcess(command, 0, "", "")


@pytest.fixture
def installer(monkeypatch: pytest.MonkeyPatch) -> Installer:
    installer = Installer()
    monkeypatch.setattr(subprocess, "run", installer)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    return installer


def test_pip_installs_the_pinned_versions_once(installer: Installer, tmp_path: Path) -> None:
    python = PEER.prepare(tmp_path)
    assert python.is_relative_to(tmp_path / "peer")
    assert [command[2] for command in installer.commands] == ["venv", "pip"]
    assert installer.commands[1][0] == str(python)
    assert installer.commands[1][-1] == "peer==1.0"
    assert PEER.prepare(tmp_path) == python
    assert len(installer.commands) == 2


def test_uv_is_used_where_it_is_installed(
    installer: Installer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    python = PEER.prepare(tmp_path)
    assert [command[:2] for command in installer.commands] == [["/bin/uv", "venv"], ["/bin/uv", "pip"]]
    assert installer.commands[1][-3:] == ["--python", str(python), "peer==1.0"]
    # As pip does, so that the first start need not compile the peer.
    assert "--compile-bytecode" in installer.commands[1]


def test_other_versions_are_installed_into_a_fresh_environment(installer: Installer, tmp_path: Path) -> None:
    PEER.prepare(tmp_path)
    Environment("peer", ("peer==2.0",)).prepare(tmp_path)
    assert installer.commands[-1][-1] == "peer==2.0"
    assert len(installer.commands) == 4


def test_a_failed_installation_gives_the_reason_and_is_retried(installer: Installer, tmp_path: Path) -> None:
    installer.fails = True
    with pytest.raises(EnvironmentUnavailable, match="ERROR: no matching distribution"):
        PEER.prepare(tmp_path)
    installer.fails = False
    PEER.prepare(tmp_path)
    assert len(installer.commands) == 4


def test_a_peer_gets_the_python_version_that_it_needs(
    installer: Installer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "find_python", lambda version: f"/usr/bin/python{version}")
    peer = Environment("peer", ("peer==1.0",), python="3.12")
    assert peer.prepare(tmp_path) == peer.prepare(tmp_path)
    assert next(command[0] for command in installer.commands) == "/usr/bin/python3.12"
    assert len(installer.commands) == 2


def make_python(path: Path, status: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexit {status}\n")
    path.chmod(0o755)
    return path


def test_a_working_python_is_found_among_broken_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_python(tmp_path / "shims" / "python3.12", 127)
    make_python(tmp_path / "versions" / "3.12.0" / "bin" / "python3.12", 1)
    works = make_python(tmp_path / "versions" / "3.12.1" / "bin" / "python3.12", 0)
    monkeypatch.setenv("PATH", str(tmp_path / "shims"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert environments.find_python("3.12") == str(works)
    with pytest.raises(EnvironmentUnavailable, match=r"it needs CPython 3\.13, which was not found"):
        environments.find_python("3.13")


def test_git_ignores_the_folder(tmp_path: Path) -> None:
    make_folder(tmp_path / ".bench")
    assert (tmp_path / ".bench" / ".gitignore").read_text("utf-8") == "*\n"


@pytest.fixture
def npm(monkeypatch: pytest.MonkeyPatch) -> Installer:
    installer = Installer()
    monkeypatch.setattr(subprocess, "run", installer)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    return installer


WS = NodeEnvironment("ws", ("ws==8.23.0",))


def test_npm_installs_the_pinned_versions_once(npm: Installer, tmp_path: Path) -> None:
    assert WS.prepare(tmp_path) == WS.prepare(tmp_path) == Path("/usr/bin/node")
    (command,) = npm.commands
    assert command[:2] == ["/usr/bin/npm", "install"]
    assert command[-1] == "ws@8.23.0"
    assert str(tmp_path / "ws") in command


@pytest.mark.parametrize("missing", ["node", "npm"])
def test_without_node_or_npm_the_reason_is_reported(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None if name == missing else f"/usr/bin/{name}")
    with pytest.raises(EnvironmentUnavailable, match=f"{missing} is not on the PATH"):
        WS.prepare(tmp_path)


def test_versions_are_read_from_the_interpreter() -> None:
    assert OWN.versions(sys.executable, ("pytest", "no-such-distribution")) == {
        "python": platform.python_version(),
        "pytest": version("pytest"),
        "no-such-distribution": "not installed",
    }


def test_the_environment_of_the_project_is_that_of_the_runner() -> None:
    assert OWN.prepare() == Path(sys.executable)
    assert not OWN.isolated
    assert OWN.run_code("python", "import this") == PEER.run_code("python", "import this")
