"""`emmett tail`: the messages of a connection or channel of a running service, as they are sent and received."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

import click

from .discovery import Selection
from .service import find_inspector, run

if TYPE_CHECKING:
    from ..inspector import Inspector

# The ID of a connection: the ID of its node, and its number there.
_CONNECTION = re.compile(r"[0-9a-f]{8}-[1-9][0-9]*")


@click.command()
@click.argument("target", metavar="CHANNEL|CONNECTION")
@click.option("--payloads", is_flag=True, help="Show the content of messages; the inspector must allow it.")
@click.option(
    "--channel", "is_channel", is_flag=True, help="Treat the argument as a channel, even if it looks like a connection."
)
@click.option("-n", "--count", type=click.IntRange(1), metavar="COUNT", help="Stop after this many messages.")
@click.option("--json", "as_json", is_flag=True, help="Print each message as a line of JSON.")
@click.pass_obj
def tail(selection: Selection, target: str, payloads: bool, is_channel: bool, count: int | None, as_json: bool) -> None:
    """Show the messages of a connection, or the publications of a channel, as they are sent and received.

    CONNECTION is an ID that emmett ps shows. Of a busy one, a sample is shown. Stop with Ctrl+C.
    """
    inspector = find_inspector(selection)
    is_connection = not is_channel and _CONNECTION.fullmatch(target) is not None

    async def work(inspector: Inspector) -> None:
        from .printing import print_note
        from .service_tables import print_news

        if not is_connection:
            # Otherwise a mistyped ID would wait silently.
            print_note(f"waiting for publications in the channel {target}; Ctrl+C ends it")
        left = count
        news = inspector.watch(target, payloads) if is_connection else inspector.watch_channel(target, payloads)
        async with contextlib.aclosing(news) as every:
            async for latest in every:
                if left is not None:
                    latest.messages = latest.messages[:left]
                    left -= len(latest.messages)
                print_news(latest, as_json)
                if left == 0:
                    return

    run(inspector, work)
