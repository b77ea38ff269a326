"""One line for each response in uvicorn's access log, as uvicorn's own protocols write it."""

from __future__ import annotations

import logging
from urllib.parse import quote

from ..http.request import Request
from ..wire.targets import QueryLogging, loggable_query

logger = logging.getLogger("uvicorn.access")


def is_access_logged() -> bool:
    """Return whether anybody reads the log."""
    return logger.isEnabledFor(logging.INFO)


def log_response(request: Request, status: int, query: QueryLogging = "names") -> None:
    """Log that a response begins.

    Arguments:
        request: what it answers.
        status: its HTTP status.
        query: what is shown of its query.
    """
    # These five values, in this order, are what `uvicorn.logging.AccessFormatter` takes apart.
    client = f"{request.client[0]}:{request.client[1]}" if request.client else ""
    target = quote(request.path)
    if request.query_string and (shown := loggable_query(request.query_string.decode("ascii"), query)):
        target += f"?{shown}"
    logger.info('%s - "%s %s HTTP/%s" %d', client, request.method, target, request.http_version, status)
