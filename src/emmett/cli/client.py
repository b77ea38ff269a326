"""`emmett client`: the client of the application's calls, in TypeScript or in Python."""

from __future__ import annotations

from pathlib import Path

import click

from .discovery import Selection
from .errors import CommandLineError

LANGUAGES = ("typescript", "python")


@click.command()
@click.argument("language", type=click.Choice(LANGUAGES))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write to FILE.")
@click.option("--check", is_flag=True, help="Write nothing, and fail if FILE is not what would be written.")
@click.pass_obj
def client(selection: Selection, language: str, output: Path | None, check: bool) -> None:
    """Print the client of the application's calls."""
    # Other commands do without it.
    from ..schema.clients import render_python, render_typescript

    description = selection.load().app.describe()
    if not description.calls:
        raise CommandLineError("the application has no calls, which the client would call", "write app.calls('/api')")
    text = render_python(description) if language == "python" else render_typescript(description)
    if check:
        _check(language, text, output)
    elif output is None:
        # Not through rich, which would wrap the lines.
        click.echo(text, nl=False)
    else:
        _write(text, output)


def _write(text: str, output: Path) -> None:
    try:
        output.write_text(text, "utf-8", newline="\n")
    except OSError as error:
        raise CommandLineError(
            f"{output} cannot be written: {error.strerror}", "type -o with a file in an existing folder", exit_code=1
        ) from None


def _check(language: str, text: str, output: Path | None) -> None:
    if output is None:
        raise CommandLineError("--check needs the file to check", f"type emmett client {language} --check -o FILE")
    try:
        found = output.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandLineError(f"{output} cannot be read: {error}", exit_code=1) from None
    if found != text:
        raise CommandLineError(
            f"{output} is not the client of the application as it is now",
            f"type emmett client {language} -o {output}",
            exit_code=1,
        )
