from __future__ import annotations

import asyncio
from typing import Any

import click
import pytest

from emmett.cli.commands import as_click_command
from emmett.cli.errors import CommandLineError


def run(command: click.Command, *arguments: str) -> Any:
    return command.main(list(arguments), standalone_mode=False)


def test_a_plain_function_is_a_command() -> None:
    def seed() -> str:
        """Fill the database."""
        return "seeded"

    command = as_click_command("seed-it", seed)
    assert (command.name, command.help) == ("seed-it", "Fill the database.")
    assert run(command) == "seeded"


def test_an_async_function_runs_on_a_loop() -> None:
    async def seed() -> bool:
        """Fill the database."""
        return asyncio.get_running_loop().is_running()

    command = as_click_command("seed", seed)
    assert command.help == "Fill the database."
    assert run(command) is True


def test_a_function_with_defaults_needs_no_arguments() -> None:
    def seed(rows: int = 3) -> int:
        return rows

    assert run(as_click_command("seed", seed)) == 3


def test_running_a_function_with_unfilled_arguments_says_what_to_write() -> None:
    def seed(rows: int) -> None:
        raise AssertionError

    command = as_click_command("seed", seed)
    with pytest.raises(CommandLineError, match=r"'seed' cannot be called without arguments: .*'rows'") as caught:
        run(command)
    assert "@click.command()" in caught.value.hint


def test_a_type_error_inside_a_function_is_not_changed() -> None:
    def seed() -> None:
        raise TypeError("inside")

    with pytest.raises(TypeError, match="inside"):
        run(as_click_command("seed", seed))


def test_click_parameters_are_enough() -> None:
    @click.option("--times", type=int, default=1)
    @click.argument("name")
    async def greet(name: str, times: int) -> list[str]:
        return [name] * times

    for _ in range(2):
        assert run(as_click_command("greet", greet), "you", "--times", "2") == ["you", "you"]


def test_a_click_command_keeps_its_help_and_takes_the_registered_name() -> None:
    @click.command("inner", help="Greets.")
    @click.argument("name")
    def greet(name: str) -> str:
        return name

    command = as_click_command("greet", greet)
    assert (command.name, command.help) == ("greet", "Greets.")
    assert run(command, "you") == "you"
    assert greet.name == "inner"


def test_async_functions_of_click_commands_and_of_groups_run_on_a_loop() -> None:
    @click.group()
    async def database() -> None:
        """Manage the database."""

    @database.command()
    async def fill() -> bool:
        return asyncio.get_running_loop().is_running()

    command = as_click_command("database", database)
    assert run(command, "fill") is True
    assert run(command, "fill") is True
