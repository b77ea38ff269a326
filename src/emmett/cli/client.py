"""`emmett client`: the client of the application's calls, in TypeScript or in Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from .discovery import Selection
from .errors import CommandLineError

if TYPE_CHECKING:
    from ..app import App
    from ..schema import Description

LANGUAGES = ("typescript", "python")
SDKS = ("centrifuge",)


@click.command()
@click.argument("language", type=click.Choice(LANGUAGES))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write to FILE.")
@click.option("--check", is_flag=True, help="Write nothing, and fail if FILE is not what would be written.")
@click.option("--sdk", type=click.Choice(SDKS), help="Write wrappers around this npm package; TypeScript only.")
@click.pass_obj
def client(selection: Selection, language: str, output: Path | None, check: bool, sdk: str | None) -> None:
    """Print the client of the application's calls."""
    # Imported here, because other commands do not need it.
    from ..schema.clients import render_centrifuge, render_python, render_typescript

    app = selection.load().app
    description = app.describe()
    if not description.calls:
        raise CommandLineError("the application has no calls for a client", "write app.calls('/api')")
    if sdk is not None:
        if language != "typescript":
            raise CommandLineError(f"--sdk {sdk} is for TypeScript", f"type emmett client typescript --sdk {sdk}")
        text = render_centrifuge(_served_to_sdks(app, description))
    else:
        text = render_python(description) if language == "python" else render_typescript(description)
    if check:
        _check(language if sdk is None else f"{language} --sdk {sdk}", text, output)
    elif output is None:
        # Without rich, which would wrap the lines.
        click.echo(text, nl=False)
    else:
        _write(text, output)


def _served_to_sdks(app: App, description: Description) -> Description:
    """Return the description with only the calls that an endpoint for SDKs serves."""
    from ..centrifuge import Centrifuge

    served = {each.calls.name: each.calls for each in app.wired if isinstance(each, Centrifuge) and each.calls}
    found = []
    for calls in description.calls:
        if calls.name in served:
            # SDKs have no path, so they cannot call functions with a path variable.
            methods = served[calls.name].methods
            usable = [each for each in calls.methods if not methods[each.name].signature.path_variables]
            found.append(msgspec.structs.replace(calls, methods=tuple(usable)))
    if not found:
        raise CommandLineError("no endpoint serves calls to SDKs", "write Centrifuge(app, channels, calls=calls)")
    return msgspec.structs.replace(description, calls=tuple(found))


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
