"""`emmett centrifuge`: act on Centrifuge clients and their channels from outside of the application's processes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click
import msgspec

from ..errors import EmmettError
from .discovery import Selection
from .errors import CommandLineError

if TYPE_CHECKING:
    from ..app import App
    from ..centrifuge import Centrifuge


@click.command()
@click.argument("method")
@click.argument("params", default="{}")
@click.option("--name", metavar="NAME", help="Which of several endpoints: the one with this name.")
@click.pass_obj
def centrifuge(selection: Selection, method: str, params: str, name: str | None) -> None:
    """Call METHOD of the HTTP API with PARAMS, a JSON object, and print the result.

    For example: emmett centrifuge disconnect '{"user": "42"}'. No server with the HTTP API is needed: it goes through
    the broker.
    """
    endpoint = _find(selection.load().app, name)
    if endpoint.channels.is_in_memory:
        raise CommandLineError(
            "the channels of this application are in memory, so only its one process can reach clients",
            "configure a broker that processes share: EMMETT_BROKER=redis://… or nats://…, or Channels(app, 'redis://…')",
        )
    try:
        answer = asyncio.run(_call(endpoint, method, params))
    except EmmettError as error:
        raise CommandLineError(f"{method} failed: {error}", exit_code=1) from None
    if "error" in answer:
        raise CommandLineError(f"{method} failed: {answer['error']['message']}", exit_code=1)
    from .printing import print_answer

    print_answer(msgspec.json.encode(answer.get("result", answer)).decode())


async def _call(endpoint: Centrifuge, method: str, params: str) -> Any:
    async with endpoint.channels:
        return await endpoint.api.answer(method, params.encode())


def _find(app: App, name: str | None) -> Centrifuge:
    from ..centrifuge import Centrifuge

    every = [each for each in app.wired if isinstance(each, Centrifuge)]
    found = [each for each in every if name in (None, each.name)]
    if not every:
        raise CommandLineError(
            "the application has no endpoint for Centrifuge clients", "write centrifuge = Centrifuge(app, channels)"
        )
    if len(found) != 1:
        known = ", ".join(each.name for each in every)
        raise CommandLineError(f"there are {len(found)} such endpoints", f"type --name with one of {known}")
    return found[0]
