from __future__ import annotations

import platform
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from benchmarks.contestants import CONTESTANTS, LIMIT, OURS, Contestant, installed_versions


@pytest.mark.parametrize("contestant", CONTESTANTS.values(), ids=list(CONTESTANTS))
def test_every_command_names_the_interpreter_the_port_and_files_that_exist(contestant: Contestant) -> None:
    command = contestant.command("/some/python", 4321)
    assert command[0] == "/some/python"
    assert "4321" in command
    assert "127.0.0.1" in command
    paths = [Path(argument) for argument in command[1:] if argument.startswith("/")]
    assert paths
    assert all(path.exists() for path in paths)


def test_ours_and_the_limit_run_in_the_projects_environment() -> None:
    assert CONTESTANTS[OURS].prepare() == CONTESTANTS[LIMIT].prepare() == sys.executable
    assert CONTESTANTS[LIMIT].path is None


@pytest.mark.parametrize("contestant", CONTESTANTS.values(), ids=list(CONTESTANTS))
def test_peers_have_exact_versions_of_all_that_is_reported(contestant: Contestant) -> None:
    if contestant.environment is not None:
        pinned = {requirement.partition("==")[0]: requirement for requirement in contestant.environment.requirements}
        assert all("==" in requirement for requirement in pinned.values())
        assert set(contestant.packages) <= pinned.keys()


def test_versions_are_those_of_the_interpreter() -> None:
    contestant = Contestant("x", "X", lambda python, port: [], ("pytest", "no-such-distribution"))
    assert installed_versions(contestant, sys.executable) == {
        "python": platform.python_version(),
        "pytest": version("pytest"),
        "no-such-distribution": "not installed",
    }
