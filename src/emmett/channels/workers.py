"""Count the worker processes: channels in the memory of one process cannot be shared between several."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from .. import environment
from ..errors import ConfigurationError

# Servers whose command line gives the number of workers. Those that also read it from the environment come last.
SERVERS = ("uvicorn", "gunicorn", "hypercorn", "granian")
# The default of --workers in uvicorn and gunicorn.
CONCURRENCY = "WEB_CONCURRENCY"


def count_workers(arguments: Sequence[str], variables: Mapping[str, str]) -> int:
    """Return the number of worker processes, as far as the command line and the environment reveal it.

    Arguments:
        arguments: `sys.argv`; worker processes inherit it from their parent.
        variables: `os.environ`.
    """
    count = variables.get(environment.WORKERS)
    if count is None and _is_server(arguments):
        count = _find_option(arguments[1:]) or variables.get(CONCURRENCY)
    return int(count) if count is not None and count.isascii() and count.isdigit() else 1


def check_workers() -> None:
    """Refuse channels in memory if there are several worker processes, each with its own.

    Raises:
        ConfigurationError: there are several worker processes.
    """
    count = count_workers(sys.argv, os.environ)
    if count > 1:
        raise ConfigurationError(
            f"{count} worker processes cannot share channels in memory: each would have its own subscribers. Configure "
            "a broker, Channels(app, 'redis://…') or EMMETT_BROKER=redis://… (or nats://…), or serve with one worker"
        )


def _is_server(arguments: Sequence[str]) -> bool:
    # With `python -m uvicorn`, this is the path of its __main__.py.
    path = PurePath(arguments[0]) if arguments else PurePath()
    name = path.parent.name if path.name == "__main__.py" else path.stem
    return name in SERVERS


def _find_option(options: Sequence[str]) -> str | None:
    for number, option in enumerate(options):
        match = re.fullmatch(r"(?:--workers|-w)(?:=?(\d+))?", option)
        if match is not None:
            return match[1] or next(iter(options[number + 1 :]), None)
    return None
