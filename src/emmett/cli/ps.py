"""`emmett ps`: the nodes and connections of a running service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .discovery import Selection
from .service import check_answered, find_inspector, run

if TYPE_CHECKING:
    from ..inspector import Inspector


@click.command()
@click.option("--route", default="", metavar="TEXT", help="Only routes whose name contains this.")
@click.option("--user", default="", metavar="TEXT", help="Only users whose name contains this.")
@click.option("--address", default="", metavar="TEXT", help="Only clients whose address begins with this.")
@click.option("--min-age", type=click.FloatRange(0), metavar="SECONDS", help="Only connections of at least this age.")
@click.option("--max-age", type=click.FloatRange(0), metavar="SECONDS", help="Only connections of at most this age.")
@click.option(
    "--backlog", type=click.IntRange(0), default=0, metavar="COUNT", help="Only connections with at least this backlog."
)
@click.option(
    "--order",
    type=click.Choice(["backlog", "age", "received", "sent"]),
    default="backlog",
    help="Sort by this, largest first; by the backlog by default.",
)
@click.option("--limit", type=click.IntRange(1, 500), default=50, help="Connections at most; 50 by default.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def ps(
    selection: Selection,
    route: str,
    user: str,
    address: str,
    min_age: float | None,
    max_age: float | None,
    backlog: int,
    order: str,
    limit: int,
    as_json: bool,
) -> None:
    """List the nodes and websockets of the running service.

    The service is asked through the broker of its channels. It needs app.inspector().
    """
    inspector = find_inspector(selection)
    import msgspec

    from ..inspector.questions import AskConnections, ConnectionFilter

    wanted = ConnectionFilter(
        route=route[:256],
        user=user[:256],
        address=address[:256],
        min_age=min_age,
        max_age=max_age,
        min_backlog=backlog,
    )
    question = msgspec.convert(
        {"ask": "connections", "filter": msgspec.to_builtins(wanted), "order": order, "limit": limit}, AskConnections
    )

    async def work(inspector: Inspector) -> None:
        from .service_tables import print_connections, print_nodes, print_report_as_json

        nodes = await inspector.nodes()
        check_answered(sum(not status.error for status in nodes.nodes))
        report = await inspector.connections(question)
        if as_json:
            print_report_as_json(nodes, report)
            return
        print_nodes(nodes.nodes)
        print_connections(report.connections)

    run(inspector, work)
