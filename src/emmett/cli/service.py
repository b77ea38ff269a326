"""Shared by `emmett ps`, `emmett tail` and `emmett kick`: they ask a running service through the broker."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from ..errors import BrokerUnavailable, ConfigurationError, InvalidChannel, UsageError
from .discovery import Selection
from .errors import CommandLineError

if TYPE_CHECKING:
    from ..inspector import Inspector

MISSING = "write app.inspector(requires=…), or app.inspector(None) for the commands alone, and restart the service"


def find_inspector(selection: Selection) -> Inspector:
    """Return the inspector of the chosen application.

    Raises:
        CommandLineError: it has none, or its nodes cannot be reached from another process.
    """
    from ..inspector import Inspector

    app = selection.load().app
    inspector = next((each for each in app.wired if isinstance(each, Inspector)), None)
    if inspector is None:
        raise CommandLineError("the application has no inspector, which answers this command", MISSING)
    if inspector.channels is None or inspector.channels.is_in_memory:
        raise CommandLineError(
            "the nodes of this application cannot be reached from another process: it has no channels with a broker",
            "configure a broker: EMMETT_BROKER=redis://… or nats://…, or Channels(app, 'redis://…'). Without one, "
            "there is one process, and the page of app.inspector() shows it",
        )
    return inspector


def run(inspector: Inspector, work: Callable[[Inspector], Awaitable[None]]) -> None:
    """Run a function on a running service.

    Raises:
        CommandLineError: it failed.
    """

    async def connected() -> None:
        async with inspector.from_outside():
            await work(inspector)

    try:
        asyncio.run(connected())
    except InvalidChannel as error:
        raise CommandLineError(str(error), "type a channel, or the ID of a connection as emmett ps shows it") from None
    except (BrokerUnavailable, ConfigurationError, UsageError) as error:
        raise CommandLineError(str(getattr(error, "message", "") or error), exit_code=1) from None


def check_answered(count: int) -> None:
    """Check that at least one node has answered.

    Raises:
        CommandLineError: no node has answered.
    """
    if not count:
        raise CommandLineError(
            "no node answers",
            "check that the service is running with this broker, and with app.inspector()",
            exit_code=1,
        )
