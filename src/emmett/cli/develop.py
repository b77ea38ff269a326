"""`emmett develop`: the application, restarted on each change."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import click

from ..environment import DEVELOP
from .addresses import ANYWHERE, browser_url, find_port, parse_port
from .discovery import Selection
from .errors import CommandLineError


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on; 0.0.0.0 for all.")
@click.option("--port", type=parse_port, metavar="PORT", default="8000", show_default=True, help="0 takes a free one.")
@click.option("--no-reload", is_flag=True, help="Do not restart when a file changes.")
@click.option(
    "--reload-dir",
    "reload_dirs",
    metavar="FOLDER",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder to watch instead of the application's; may be given several times.",
)
@click.pass_obj
def develop(selection: Selection, host: str, port: int, no_reload: bool, reload_dirs: tuple[Path, ...]) -> None:
    """Serve for development, and restart on changes."""
    if no_reload and reload_dirs:
        raise CommandLineError("--no-reload and --reload-dir exclude each other", "leave one of them out")
    from .development import TARGET, quieten_server
    from .printing import print_startup

    application = selection.load()
    port = find_port(host, port, "emmett develop")
    watched = [] if no_reload else [folder.resolve() for folder in reload_dirs] or [application.folder]
    note = f"(listening on {host}, port {port})" if host in ANYWHERE else ""
    print_startup(application.import_string, browser_url(host, port), application.app.routes, watched, note)

    from ..server import serve

    os.environ[DEVELOP] = application.import_string
    quieten_server()
    # The start-up message says to stop with Ctrl+C.
    with suppress(KeyboardInterrupt):
        serve(TARGET, host=host, port=port, reload=not no_reload, reload_dirs=tuple(map(str, watched)))
