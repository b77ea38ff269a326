"""Ports for servers that cannot choose one themselves."""

from __future__ import annotations

import itertools
import os
import random
import socket
from collections.abc import Iterator

# Below the ports that the kernel gives to outgoing connections (Linux: from 32,768), even with the cluster bus added.
FIRST = 11_000
PER_WORKER = 500
WORKERS = 20
# A Valkey cluster also listens this far above the port of each node.
CLUSTER_BUS = 10_000


def free_port() -> int:
    """Return a free port of 127.0.0.1 for which the port of a cluster's bus is also free.

    Another process may not get it between this call and the start of the server: each worker of pytest-xdist has ports
    of its own, and no port is given out twice in a row.
    """
    return next(port for port in _CANDIDATES if _is_free(port) and _is_free(port + CLUSTER_BUS))


def _candidates(worker: str) -> Iterator[int]:
    """Return the ports of a worker, over and over, from anywhere: another test run may use the same ones."""
    first = FIRST + int(worker.removeprefix("gw")) % WORKERS * PER_WORKER
    start = random.randrange(PER_WORKER)
    return itertools.cycle(first + (start + step) % PER_WORKER for step in range(PER_WORKER))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


_CANDIDATES = _candidates(os.environ.get("PYTEST_XDIST_WORKER", "gw0"))
