"""`emmett`: the commands, and how their errors are reported."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from ..command_names import BUILT_IN_COMMANDS
from .errors import CommandLineError, ImportFailed
from .loading import few_collections

with few_collections():
    import click
    from click.core import ParameterSource

    from .discovery import Selection

APP_VARIABLE = "EMMETT_APP"
INTERRUPTED = 130


class Commands(click.Group):
    """The built-in commands, then those of the application, which is imported only when one of them is needed."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the options before the command."""
        # click first tries -a as a long option, and imports difflib to find similar names.
        return super().parse_args(ctx, ["--app", *args[1:]] if args[:1] == ["-a"] and len(args) > 1 else args)

    def invoke(self, ctx: click.Context) -> None:
        """Run the command. What it returns is not an exit code."""
        _selection(ctx)
        super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names for the help, built-in ones first."""
        try:
            return [*BUILT_IN_COMMANDS, *_selection(ctx).load().app.commands]
        except (CommandLineError, ImportFailed):
            return list(BUILT_IN_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        if cmd_name in BUILT_IN_COMMANDS:
            # A function in the module of its name; only the help imports all of them.
            command: click.Command = getattr(import_module(f"{__package__}.{cmd_name}"), cmd_name)
            return command
        function = _selection(ctx).load().app.commands.get(cmd_name)
        if function is None:
            return None
        from .commands import as_click_command

        return as_click_command(cmd_name, function)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was typed.

        Raises:
            CommandLineError: there is no such command.
        """
        name = args[0]
        if name not in BUILT_IN_COMMANDS and _selection(ctx).text is None:
            try:
                _selection(ctx).load()
            except CommandLineError as error:
                raise _unknown_command(name, list(BUILT_IN_COMMANDS), f"; {error.message}") from None
        command = self.get_command(ctx, name)
        if command is None:
            raise _unknown_command(name, self.list_commands(ctx))
        return name, command, args[1:]

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Explain below the help why the application's own commands are missing."""
        try:
            _selection(ctx).load()
        except (CommandLineError, ImportFailed) as error:
            formatter.write_paragraph()
            formatter.write_text(f"The commands of an application are not shown: {error}.")


def _print_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    import platform
    from importlib.metadata import PackageNotFoundError, version

    from ..engine import ENGINE

    try:
        number = version("emmett")
    except PackageNotFoundError:
        number = "(not installed)"
    python = platform.python_version()
    click.echo(f"emmett {number} with the {ENGINE} engine, Python {python}")
    ctx.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-a",
    "--app",
    "application",
    metavar="APPLICATION",
    envvar=APP_VARIABLE,
    show_envvar=True,
    # Eager like the help, which shows the application's commands.
    is_eager=True,
    help="app.py or package.module, either with :name. Without it: the one in the current folder.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show the versions."
)
def command_line(application: str | None) -> None:
    """Develop and serve websocket applications."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Arguments:
        arguments: the arguments after `emmett`; those of the process by default.

    Returns:
        The exit code: 0, 1 for an error of the application, 2 for wrong input.
    """
    try:
        code: int | None = command_line.main(arguments, "emmett", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of the output has closed the pipe. Python would report it again when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        return _report(error)
    return code or 0


def _report(error: Exception) -> int:
    """Print an error, and return the exit code for it."""
    # Imported here: rich takes as long to import as all of emmett, and a server prints nothing with it.
    from .printing import print_error
    from .tracebacks import print_traceback

    match error:
        case CommandLineError():
            print_error(error.message, error.hint)
            return error.exit_code
        case ImportFailed():
            print_traceback(error.error)
            print_error(f"{error.origin} cannot be imported")
        case click.exceptions.NoArgsIsHelpError():
            error.show()
            return error.exit_code
        case click.ClickException():
            print_error(error.format_message(), _hint(error))
            return error.exit_code
        case _:
            print_traceback(error)
    return 1


def _selection(ctx: click.Context) -> Selection:
    """Return the chosen application, even while the help is printed before any command is invoked."""
    if not isinstance(ctx.obj, Selection):
        typed = ctx.get_parameter_source("application") is ParameterSource.COMMANDLINE
        # The help is printed before the variable is read.
        text = ctx.params["application"] if typed else os.environ.get(APP_VARIABLE) or None
        ctx.obj = Selection(text, None if typed or text is None else APP_VARIABLE)
    return ctx.obj


def _unknown_command(name: str, known: list[str], reason: str = "") -> CommandLineError:
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1)
    hint = f"did you mean emmett {close[0]}?" if close else f"type one of {', '.join(known)}"
    return CommandLineError(f"there is no command {name!r}{reason}", hint)


def _hint(error: click.ClickException) -> str:
    context: Any = getattr(error, "ctx", None)
    if context is None:
        return ""
    if isinstance(error, click.NoSuchOption) and error.option_name in ("-a", "--app"):
        return f"it goes before the command: emmett -a app.py {context.info_name}"
    return f"{context.command_path} --help shows what can be typed"
