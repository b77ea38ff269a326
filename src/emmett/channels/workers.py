"""How many worker processes serve the application: what they would have to share cannot be in the memory of one."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from .. import environment
from ..errors import ConfigurationError

# Servers whose command line says how many workers there are. Those that name it in the environment, too, are last.
SERVERS = ("uvicorn", "gunicorn", "hypercorn", "granian")
# uvicorn and gunicorn take it as the default of --workers.
CONCURRENCY = "WEB_CONCURRENCY"


def count_workers(arguments: Sequence[str], variables: Mapping[str, str]) -> int:
    """Return how many worker processes there are, as far as a command line and an environment tell.

    Arguments:
        arguments: `sys.argv`; worker processes have that of their parent.
        variables: `os.environ`.
    """
    told = variables.get(environment.WORKERS)
    if told is None and _is_server(arguments):
        told = _find_option(arguments[1:]) or variables.get(CONCURRENCY)
    return int(told) if told is not None and told.isascii() and told.isdigit() else 1


def check_workers() -> None:
    """Refuse channels in memory where several worker processes would each have their own.

    Raises:
        ConfigurationError: there are several.
    """
    count = count_workers(sys.argv, os.environ)
    if count > 1:
        raise ConfigurationError(
            f"{count} worker processes cannot share channels in memory: each would have its own subscribers. Configure "
            "a broker, Channels(app, 'redis://…') or EMMETT_BROKER=redis://… (or nats://…), or serve with one worker"
        )


def _is_server(arguments: Sequence[str]) -> bool:
    # `python -m uvicorn` has the path of its __main__.py.
    path = PurePath(arguments[0]) if arguments else PurePath()
    name = path.parent.name if path.name == "__main__.py" else path.stem
    return name in SERVERS


def _find_option(options: Sequence[str]) -> str | None:
    for number, option in enumerate(options):
        match = re.fullmatch(r"(?:--workers|-w)(?:=?(\d+))?", option)
        if match is not None:
            return match[1] or next(iter(options[number + 1 :]), None)
    return None
