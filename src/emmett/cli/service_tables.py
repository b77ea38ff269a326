"""The output of `emmett ps` and `emmett tail`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from rich.text import Text

from ..inspector.answers import ConnectionList, NodeOverview, TailedMessage, TailNews
from ..inspector.reports import ConnectionsReport, NodesReport, NodeStatus
from .printing import answers_to, make_table, plain


def print_nodes(nodes: Sequence[NodeStatus]) -> None:
    """Print a table of nodes."""
    table = make_table("node", "host", "pid", "uptime", "connections", "lag", "memory", "broker", "state")
    table.show_header = True
    for status in nodes:
        node, overview = status.node, status.overview
        if overview is None:
            state = Text(plain(status.error or "it does not answer"), style="red")
            table.add_row(
                Text(plain(node.id), style="bold"), Text(plain(node.host)), Text(str(node.pid or "")), *[""] * 5, state
            )
            continue
        table.add_row(
            Text(plain(node.id), style="bold"),
            Text(plain(node.host)),
            Text(str(node.pid)),
            Text(show_seconds(overview.uptime)),
            Text(str(overview.connections)),
            Text(f"{max(overview.lag):.1f} ms" if overview.lag else "-"),
            Text(show_bytes(overview.resident)),
            _broker(overview),
            Text("draining", style="yellow") if overview.is_draining else Text("running", style="green"),
        )
    console = answers_to()
    console.print(table)
    console.print()


def print_connections(connections: ConnectionList) -> None:
    """Print a table of connections, and how many more there are."""
    console = answers_to()
    if not connections.rows:
        of = f" of {connections.total}" if connections.total else ""
        console.print(Text(f"No connections{of} match." if of else "There are no connections."))
        return
    table = make_table("connection", "route", "path", "user", "address", "age", "received", "sent", "unread", "unsent")
    table.show_header = True
    for row in connections.rows:
        table.add_row(
            Text(plain(row.id), style="bold"),
            Text(plain(row.route), style="magenta"),
            Text(plain(row.path)),
            Text(plain(", ".join(row.users))),
            Text(plain(row.address)),
            Text(show_seconds(row.age)),
            Text(str(row.received)),
            Text(str(row.sent)),
            Text(str(row.unread)),
            Text(show_bytes(row.unsent)),
        )
    console.print(table)
    if connections.matching > len(connections.rows):
        console.print(Text(f"and {connections.matching - len(connections.rows)} more of {connections.total}"))


def print_report_as_json(nodes: NodesReport, report: ConnectionsReport) -> None:
    """Print nodes and connections as JSON."""
    _print_line({"nodes": nodes.nodes, "connections": report.connections})


def print_news(news: TailNews, as_json: bool) -> None:
    """Print messages of a tail."""
    if as_json:
        for message in news.messages:
            _print_line(message)
        if news.skipped:
            _print_line({"skipped": news.skipped})
        if news.ended:
            _print_line({"ended": news.ended})
        return
    console = answers_to()
    for message in news.messages:
        console.print(_line(message), soft_wrap=True)
    if news.skipped:
        console.print(Text(f"… {news.skipped} more", style="dim"))
    if news.ended:
        console.print(Text(plain(news.ended), style="yellow"), soft_wrap=True)


def show_seconds(seconds: float) -> str:
    """Return a duration in readable form."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} d"


def show_bytes(count: int | None) -> str:
    """Return a number of bytes in readable form."""
    if count is None:
        return "-"
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:.0f} KiB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.0f} MiB"


def _broker(overview: NodeOverview) -> Text:
    text = Text()
    for number, broker in enumerate(overview.brokers):
        took = "" if broker.round_trip is None else f" {broker.round_trip * 1000:.1f} ms"
        text.append(", " if number else "")
        if broker.ok is None:
            text.append("unknown", style="yellow")
        else:
            text.append("ok" if broker.ok else "failing", style="green" if broker.ok else "red")
        text.append(took)
    return text


def _line(message: TailedMessage) -> Text:
    at = datetime.fromtimestamp(message.at).astimezone().strftime("%H:%M:%S.%f")[:-3] if message.at else ""
    unit = "characters" if message.kind == "text" else "bytes"
    line = Text.assemble((at, "dim"), " ", (f"{message.direction:9}", "cyan"), f" {message.kind} {message.size} {unit}")
    if message.payload is not None:
        line.append(f"  {plain(message.payload)}{'…' if message.is_cut else ''}", style="bold")
    return line


def _print_line(content: object) -> None:
    answers_to().print(Text(msgspec.json.encode(content).decode()), soft_wrap=True)
