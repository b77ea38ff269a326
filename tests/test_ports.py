"""Ports are free, and no two workers get the same one."""

from __future__ import annotations

import itertools
import socket

from tests import ports
from tests.ports import CLUSTER_BUS, FIRST, PER_WORKER, WORKERS, free_port


def test_a_port_is_not_given_out_twice_in_a_row() -> None:
    found = [free_port() for _ in range(20)]
    assert len(set(found)) == 20
    for port in found:
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_a_port_in_use_is_skipped() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)), socket.create_server(("127.0.0.1", port + 1 + CLUSTER_BUS)):
        assert not ports._is_free(port)
        assert not ports._is_free(port + 1 + CLUSTER_BUS)
        assert not {port, port + 1} & {free_port() for _ in range(PER_WORKER)}


def test_workers_never_get_the_same_port() -> None:
    sets = [set(itertools.islice(ports._candidates(f"gw{number}"), PER_WORKER)) for number in range(WORKERS)]
    together = set().union(*sets)
    assert len(together) == WORKERS * PER_WORKER
    assert min(together) == FIRST
    assert max(together) + CLUSTER_BUS < 32_768
