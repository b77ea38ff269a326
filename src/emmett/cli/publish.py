"""`emmett publish`: publish to a channel of the application from outside of its processes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from ..errors import EmmettError
from .discovery import Selection
from .errors import CommandLineError

if TYPE_CHECKING:
    from ..app import App
    from ..channels import Channels, Position


@click.command()
@click.argument("channel")
@click.argument("data")
@click.option("--prefix", metavar="PREFIX", help="Which of several Channels: the one with this prefix.")
@click.pass_obj
def publish(selection: Selection, channel: str, data: str, prefix: str | None) -> None:
    """Publish DATA to CHANNEL: its subscribers get it, in all processes of the application.

    may_publish is not asked. For a channel with history, the position is printed.
    """
    channels = _find(selection.load().app, prefix)
    if channels.is_in_memory:
        raise CommandLineError(
            "the channels of this application are in memory, so only its one process can publish",
            "configure a broker that processes share: EMMETT_BROKER=redis://… or nats://…, or Channels(app, 'redis://…')",
        )
    try:
        position = asyncio.run(_publish(channels, channel, data))
    except (EmmettError, ValueError) as error:
        raise CommandLineError(f"not published: {error}", exit_code=1) from None
    if position is not None:
        from .printing import print_answer

        print_answer(str(position))


async def _publish(channels: Channels, channel: str, data: str) -> Position | None:
    async with channels:
        return await channels.publish(channel, data, check=False)


def _find(app: App, prefix: str | None) -> Channels:
    from ..channels import Channels

    every = [each for each in app.wired if isinstance(each, Channels)]
    found = [each for each in every if prefix in (None, each.prefix)]
    if not every:
        raise CommandLineError("the application has no channels", "write channels = Channels(app)")
    if len(found) != 1:
        known = ", ".join(each.prefix for each in every)
        raise CommandLineError(
            f"there are {len(found)} Channels" + (f" with prefix {prefix!r}" if prefix else ""),
            f"type --prefix with one of {known}",
        )
    return found[0]
