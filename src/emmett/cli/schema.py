"""`emmett schema`: the OpenAPI or the AsyncAPI document of the application."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from .discovery import Selection
from .errors import CommandLineError


@click.command()
@click.argument("kind", type=click.Choice(("openapi", "asyncapi")))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write to FILE.")
@click.pass_obj
def schema(selection: Selection, kind: str, output: Path | None) -> None:
    """Print the OpenAPI or the AsyncAPI document."""
    app = selection.load().app
    document = app.openapi() if kind == "openapi" else app.asyncapi()
    text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
    if output is None:
        # Without rich, which would wrap the lines.
        click.echo(text)
        return
    try:
        output.write_text(f"{text}\n", "utf-8")
    except OSError as error:
        raise CommandLineError(
            f"{output} cannot be written: {error.strerror}", "type -o with a file in an existing folder", exit_code=1
        ) from None
