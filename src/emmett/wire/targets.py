"""Request targets for logs: without the secrets of a query, and on one line."""

from __future__ import annotations

from typing import Literal

QueryLogging = Literal["names", "all", "none"]

# A longer name is more likely a value without a name.
MAX_NAME_LENGTH = 64
HIDDEN = "*"


def loggable_query(query: str, logged: QueryLogging = "names") -> str:
    """Return a query string for the log.

    Arguments:
        query: the query string as it was sent, without its `?`.
        logged: `"names"` for the names of its variables with `*` in place of each value, `"all"` for the whole query,
            `"none"` for an empty string.

    A part without `=` may be a bare token, and so may a part with only Base64 padding after it: both are shown as `*`.
    """
    if logged == "all":
        return escape(query)
    if logged == "none" or not query:
        return ""
    return escape("&".join([_hide(part) for part in query.split("&")]))


def loggable_target(target: str, logged: QueryLogging = "names") -> str:
    """Return a request target, `/path?query`, for the log.

    Arguments:
        target: the path, percent-encoded, and perhaps a query.
        logged: as for `loggable_query`.
    """
    path, _, query = target.partition("?")
    shown = loggable_query(query, logged)
    return f"{escape(path)}?{shown}" if shown else escape(path)


def escape(text: str) -> str:
    """Escape characters that could falsify a log line: control and non-ASCII characters, and quotes."""
    return text.encode("unicode_escape").decode("ascii").replace('"', "%22")


def _hide(part: str) -> str:
    name, _, value = part.partition("=")
    if len(name) > MAX_NAME_LENGTH or not value.strip("="):
        return HIDDEN if part else ""
    return f"{name}={HIDDEN}"
