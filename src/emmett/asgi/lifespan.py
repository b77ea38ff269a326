"""Start-up and shutdown (ASGI lifespan 2.0)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from ..errors import BrokerUnavailable, ConfigurationError
from .types import ASGIReceive, ASGISend

logger = logging.getLogger("emmett.app")


async def serve_lifespan(
    startup: Callable[[], Awaitable[None]],
    shutdown: Callable[[], Awaitable[None]],
    receive: ASGIReceive,
    send: ASGISend,
) -> None:
    """Run the start-up functions, wait for the end, run the shutdown functions. Failures are logged and reported."""
    for event, run in (("startup", startup), ("shutdown", shutdown)):
        await receive()
        try:
            await run()
        except Exception as error:
            if not isinstance(error, (BrokerUnavailable, ConfigurationError)):
                # For other errors, the message is enough, and the server logs it.
                logger.exception("a function for %s failed", event)
            await send({"type": f"lifespan.{event}.failed", "message": f"{type(error).__name__}: {error}"})
            return
        await send({"type": f"lifespan.{event}.complete"})
