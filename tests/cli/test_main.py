from __future__ import annotations

import os
import subprocess
import sys

import pytest

from emmett import App
from emmett.command_names import BUILT_IN_COMMANDS
from emmett.engine import ENGINE
from emmett.errors import ConfigurationError
from tests.cli.project import SOURCE, Project

COMMANDS = """
    import click
    from emmett import App

    app = App(__name__)

    @app.command("seed")
    async def seed():
        '''Fill the database.'''
        print("seeded")
        return 7

    @app.command("fail")
    def fail():
        raise LookupError("no rows")

    @app.command("leave")
    @click.pass_context
    def leave(context):
        context.exit(3)

    @app.command("stop")
    def stop():
        raise KeyboardInterrupt

    @app.command("ask")
    @click.argument("number", type=int)
    def ask(number):
        print(number)

    @app.command("broken")
    def broken(needed): ...
"""


@pytest.mark.parametrize("name", BUILT_IN_COMMANDS)
def test_no_application_can_take_the_name_of_a_command(name: str) -> None:
    with pytest.raises(ConfigurationError, match="the name is taken"):
        App(__name__).command(name)


def test_without_a_command_the_help_is_shown(project: Project) -> None:
    outcome = project.run()
    assert outcome.code == 2
    assert "Usage: emmett" in outcome.errors


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_the_help_lists_the_commands_of_the_application_after_the_built_in_ones(project: Project, option: str) -> None:
    project.write("app.py", COMMANDS)
    outcome = project.run(option)
    assert outcome.code == 0
    names = [line.split()[0] for line in outcome.output.partition("Commands:")[2].splitlines() if line.strip()]
    built_in = ["develop", "serve", "routes", "shell", "publish", "schema", "client", "centrifuge", "doctor"]
    built_in += ["ps", "tail", "kick"]
    assert names[:12] == built_in
    assert names[12:] == ["seed", "fail", "leave", "stop", "ask", "broken"]
    assert "Fill the database." in outcome.output


def test_the_help_says_why_the_commands_of_the_application_are_missing(project: Project) -> None:
    project.write("app.py", "1 / 0")
    outcome = project.run("--help")
    assert outcome.code == 0
    assert "app.py cannot be imported" in " ".join(outcome.output.split())
    assert "ZeroDivisionError" in outcome.output


def test_the_help_is_about_the_chosen_application(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("other.py", COMMANDS)
    assert "Fill the database." in project.run("-a", "other.py", "--help").output
    monkeypatch.setenv("EMMETT_APP", "other")
    assert "Fill the database." in project.run("--help").output


def test_the_version_option_prints_version_and_engine(project: Project) -> None:
    outcome = project.run("--version")
    assert outcome.code == 0
    assert outcome.output.startswith("emmett ")
    assert f" with the {ENGINE} engine," in outcome.output
    assert f"Python {sys.version.split()[0]}" in outcome.output


def test_a_command_of_the_application_runs_and_its_result_is_not_the_exit_code(project: Project) -> None:
    project.write("app.py", COMMANDS)
    assert project.run("seed") == (0, "seeded\n", "")
    assert project.run("ask", "5") == (0, "5\n", "")


def test_the_command_of_an_application_may_set_the_exit_code(project: Project) -> None:
    project.write("app.py", COMMANDS)
    assert project.run("leave") == (3, "", "")


def test_an_interrupt_ends_with_the_exit_code_that_shells_expect(project: Project) -> None:
    project.write("app.py", COMMANDS)
    assert project.run("stop").code == 130


def test_an_error_in_a_command_shows_its_own_frames(project: Project) -> None:
    project.write("app.py", COMMANDS)
    outcome = project.run("fail")
    assert outcome.code == 1
    assert "LookupError: no rows" in outcome.errors
    assert "in fail" in outcome.errors
    assert "click/core.py" not in outcome.errors


def test_wrong_arguments_of_a_command_say_where_its_help_is(project: Project) -> None:
    project.write("app.py", COMMANDS)
    outcome = project.run("ask", "five")
    assert outcome.code == 2
    assert "'five' is not a valid integer" in outcome.errors
    assert "emmett ask --help" in outcome.errors


def test_a_broken_command_does_not_affect_the_others(project: Project) -> None:
    project.write("app.py", COMMANDS)
    outcome = project.run("broken")
    assert outcome.code == 2
    assert "missing a required argument: 'needed'" in outcome.errors
    assert project.run("seed").code == 0


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("devlop", "did you mean emmett develop?"),
        ("sede", "did you mean emmett seed?"),
        (
            "xyz",
            "type one of develop, serve, routes, shell, publish, schema, client, centrifuge, doctor, ps, tail, kick",
        ),
    ],
)
def test_an_unknown_command_says_what_to_type(project: Project, typed: str, hint: str) -> None:
    project.write("app.py", COMMANDS)
    outcome = project.run(typed)
    assert outcome.code == 2
    assert f"error: there is no command {typed!r}\n" in outcome.errors
    assert hint in outcome.errors


def test_an_unknown_command_without_an_application_says_that_there_is_none(project: Project) -> None:
    outcome = project.run("seed")
    assert outcome.code == 2
    assert "there is no command 'seed'; no application in" in outcome.errors


def test_an_unknown_command_of_a_missing_application_is_about_the_application(project: Project) -> None:
    outcome = project.run("-a", "nope.py", "seed")
    assert outcome.code == 2
    assert "error: there is no file nope.py" in outcome.errors


@pytest.mark.parametrize("command", ["routes", "shell", "serve", "develop", "seed"])
def test_an_import_error_is_shown_with_own_frames_only(project: Project, command: str) -> None:
    project.write("helpers.py", "def read():\n    return {}['key']")
    project.write("app.py", "import helpers\nhelpers.read()")
    outcome = project.run(command)
    assert outcome.code == 1
    assert "KeyError: 'key'" in outcome.errors
    assert "helpers.py:2 in read" in outcome.errors
    assert "importlib" not in outcome.errors
    assert outcome.errors.endswith("error: app.py cannot be imported\n")


def test_the_variable_chooses_the_application_and_the_option_overrides_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("one.py", "from emmett import App\napp = App(__name__)\n@app.route()\ndef first(): ...")
    project.write("two.py", "from emmett import App\napp = App(__name__)\n@app.route()\ndef second(): ...")
    monkeypatch.setenv("EMMETT_APP", "one.py")
    assert "first" in project.run("routes").output
    assert "second" in project.run("-a", "two:app", "routes").output


def test_an_error_says_that_it_comes_from_the_variable(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMMETT_APP", "nope.py")
    for command in ("routes", "seed"):
        assert "there is no file nope.py (EMMETT_APP is 'nope.py')" in project.run(command).errors


def test_the_application_option_after_the_command_says_where_it_goes(project: Project) -> None:
    outcome = project.run("routes", "-a", "app.py")
    assert outcome.code == 2
    assert "emmett -a app.py routes" in outcome.errors


def test_an_unknown_option_says_where_the_help_is(project: Project) -> None:
    outcome = project.run("--nope")
    assert outcome.code == 2
    assert "emmett --help" in outcome.errors


def test_a_built_in_command_with_invalid_options_does_not_import_the_application(project: Project) -> None:
    project.write("app.py", "raise AssertionError('imported')")
    assert project.run("serve", "--port", "70000").code == 2


def test_a_closed_output_pipe_is_no_error(project: Project) -> None:
    project.write("app.py")
    command = [sys.executable, "-m", "emmett", "routes"]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, errors = process.communicate(timeout=180)
    assert (process.returncode, errors) == (1, b"")
