from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.contestants import CONTESTANTS, LIMIT, OURS, Contestant
from benchmarks.environments import ROOT, Environment, NodeEnvironment, OwnEnvironment
from benchmarks.goals import BEST, GOALS, OUR_VARIANTS
from benchmarks.loads.json_messages import DIALECTS
from benchmarks.scenarios import SCENARIOS
from benchmarks.server_options import ServerOptions

PLAIN = ServerOptions("127.0.0.1", 4321)
ALL = pytest.mark.parametrize("contestant", CONTESTANTS.values(), ids=list(CONTESTANTS))


def server_file(command: list[str]) -> Path:
    """Return the file with the server that a command starts."""
    for argument in command[1:]:
        if found := re.fullmatch(r"benchmarks\.servers\.(\w+)(:app)?", argument):
            return ROOT / "benchmarks" / "servers" / f"{found[1]}.py"
        if argument.endswith((".py", ".mjs")):
            return ROOT / argument
    raise AssertionError(f"no server in {command}")


@ALL
def test_every_command_has_the_interpreter_and_a_server_that_exists(contestant: Contestant) -> None:
    command = contestant.command("/some/python", PLAIN)
    assert command[0] == "/some/python"
    assert server_file(command).is_file()


@ALL
def test_options_reach_the_server_on_its_command_line_or_in_its_environment(contestant: Contestant) -> None:
    options = ServerOptions("127.0.0.1", 4321, "/c.pem", "/k.pem", deflate=True, workers=3)
    command = contestant.command("/some/python", options)
    text = server_file(command).read_text("utf-8")
    by_environment = "ServerOptions.from_environment" in text or "BENCH_OPTIONS" in text
    assert by_environment or {"/c.pem", "/k.pem", "3"} <= set(command)
    assert by_environment or any("4321" in argument for argument in command)
    reads_deflate = "deflate" in contestant.lacks or "ws-per-message-deflate" in " ".join(command)
    # hypercorn compresses by default.
    assert reads_deflate or "deflate" in text.lower() or contestant.name == "quart"


@ALL
def test_what_a_contestant_lacks_is_needed_somewhere_and_has_a_reason(contestant: Contestant) -> None:
    assert set(contestant.lacks) <= {scenario.feature for scenario in SCENARIOS.values()}
    assert all(contestant.lacks.values())


@ALL
def test_each_peer_has_its_own_environment_with_pinned_versions(contestant: Contestant) -> None:
    environment = contestant.environment
    if isinstance(environment, OwnEnvironment):
        assert contestant.name in {LIMIT, OURS, *OUR_VARIANTS}
        assert contestant.prepare() == sys.executable
        return
    assert isinstance(environment, Environment | NodeEnvironment)
    pinned = {
        requirement.partition("==")[0].partition("[")[0]
        for requirement in environment.requirements
        if "==" in requirement
    }
    assert len(pinned) == len(environment.requirements)
    assert set(contestant.packages) <= pinned


def test_peers_of_the_same_name_share_an_environment() -> None:
    environments = {c.environment for c in CONTESTANTS.values()}
    named = [each.name for each in environments if isinstance(each, Environment | NodeEnvironment)]
    assert len(set(named)) == len(named) == len(environments) - 1


def test_calls_are_measured_only_for_contestants_with_a_dialect() -> None:
    with_calls = {contestant.name for contestant in CONTESTANTS.values() if "calls" not in contestant.missing}
    assert with_calls == {OURS, "ours-asgi", "ours-asgi-sansio", "chanx", "socketio"}
    for contestant in CONTESTANTS.values():
        assert contestant.calls is None or contestant.calls in DIALECTS
        assert contestant.missing.items() >= contestant.lacks.items()


def test_goals_name_contestants_and_scenarios_that_exist() -> None:
    for goal in GOALS:
        assert goal.scenario in SCENARIOS
        assert goal.ours in CONTESTANTS
        assert goal.against in {*CONTESTANTS, BEST, None}


@pytest.mark.parametrize("name", [LIMIT, OURS])
def test_what_an_application_imports_can_be_imported(name: str) -> None:
    contestant = CONTESTANTS[name]
    command = contestant.environment.run_code(sys.executable, contestant.imports)
    assert subprocess.run(command, timeout=180, check=False).returncode == 0


def test_code_for_node_finds_the_packages_of_its_environment() -> None:
    command = NodeEnvironment("ws", ("ws==8.23.0",)).run_code("/usr/bin/node", "require('ws')")
    assert command[:2] == ["/usr/bin/node", "-e"]
    assert "createRequire" in command[2]
    assert ".bench/ws/" in command[2]
    assert "require('ws')" in command[2]


def following(command: list[str], option: str) -> str:
    """Return the value of an option."""
    return command[command.index(option) + 1]


def test_tls_is_used_only_with_a_certificate() -> None:
    secure = ServerOptions("127.0.0.1", 4321, "/c.pem", "/k.pem")
    for contestant in CONTESTANTS.values():
        files = {"/c.pem", "/k.pem"} & set(contestant.command("python", secure))
        assert files in (set(), {"/c.pem", "/k.pem"}), contestant.name
        assert not {"/c.pem", "/k.pem"} & set(contestant.command("python", PLAIN))


def test_uvicorn_compresses_only_on_request_and_has_two_implementations() -> None:
    deflated = ServerOptions("127.0.0.1", 4321, deflate=True)
    starlette, sansio = CONTESTANTS["starlette"], CONTESTANTS["starlette-sansio"]
    assert following(starlette.command("python", PLAIN), "--ws-per-message-deflate") == "false"
    assert following(starlette.command("python", deflated), "--ws-per-message-deflate") == "true"
    assert following(starlette.command("python", PLAIN), "--ws") == "websockets"
    assert following(sansio.command("python", PLAIN), "--ws") == "websockets-sansio"
