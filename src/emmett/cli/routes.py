"""`emmett routes`: a table of the routes."""

from __future__ import annotations

import click

from .discovery import Selection


@click.command()
@click.pass_obj
def routes(selection: Selection) -> None:
    """Show the routes of the application."""
    from .printing import print_routes

    print_routes(selection.load().app.routes)
