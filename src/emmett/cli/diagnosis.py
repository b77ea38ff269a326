"""Finds what on a machine and in a configuration will cause problems in production."""

from __future__ import annotations

import importlib.util
import ipaddress
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from ..config import Config
from ..engine import ENGINE
from ..server.capacity import connection_cap, raise_file_limit
from ..server.listening import BACKLOG
from ..server.memory_size import MIB, memory_size

# Bytes that a connection takes in addition to its data: docs/scaling.md.
CONNECTION_SIZE = 16 * 1024
# A network with more addresses than this contains other machines than proxies.
MAX_PROXIES = 1 << 20


class Finding(NamedTuple):
    """The result of one check.

    Fields:
        level: "problem" will cause trouble, "advice" may, "ok" is fine.
        text: the finding.
        advice: what to do; empty if it is fine.
    """

    level: Literal["problem", "advice", "ok"]
    text: str
    advice: str = ""


class Machine(NamedTuple):
    """The resources of a machine.

    Fields:
        files: the number of files that a process may open; None for no limit.
        somaxconn: the longest queue of connections that wait to be accepted; None if it is unknown.
        memory: bytes for this process.
        processors: the number of processors that it may use.
        engine: `native` or `python`.
        modules: which of the optional modules are installed.
    """

    files: int | None
    somaxconn: int | None
    memory: int
    processors: int
    engine: str
    modules: frozenset[str]


def inspect_machine(max_connections: int, root: Path = Path("/")) -> Machine:
    """Return the resources of this machine.

    Arguments:
        max_connections: the setting `server.max_connections`; the limit on files is raised for it, as a server does.
        root: the folder that has `proc` and `sys`.
    """
    try:
        somaxconn = int((root / "proc/sys/net/core/somaxconn").read_text("ascii"))
    except (OSError, ValueError):
        somaxconn = None
    optional = ("uvloop", "isal")
    modules = frozenset(name for name in optional if importlib.util.find_spec(name) is not None)
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(raise_file_limit(max_connections), somaxconn, memory_size(root), processors, ENGINE, modules)


def diagnose(machine: Machine, config: Config, workers: int, in_memory: int) -> Iterator[Finding]:
    """Yield the findings, in the order of the checks.

    Arguments:
        machine: the resources of the machine.
        config: the settings of the application.
        workers: the number of worker processes.
        in_memory: how many `Channels` are in memory.
    """
    yield _check_files(machine, config)
    yield _check_backlog(machine)
    yield _check_memory(machine, config, workers)
    yield _check_workers(machine, workers, in_memory)
    yield from _check_speed(machine, config)
    yield _check_proxies(config.server.trusted_proxies)
    yield _check_hosts(config)


def _check_files(machine: Machine, config: Config) -> Finding:
    wanted = config.server.max_connections
    cap = connection_cap(wanted, machine.files)
    if cap >= wanted:
        return Finding("ok", f"files: a worker can hold {wanted} connections")
    return Finding(
        "problem",
        f"files: {machine.files} allow {cap} connections, and server.max_connections is {wanted}",
        f"raise the hard limit to {wanted * 3 // 2 + 1}: LimitNOFILE= of systemd, or --ulimit nofile= of Docker",
    )


def _check_backlog(machine: Machine) -> Finding:
    if machine.somaxconn is None or machine.somaxconn >= BACKLOG:
        return Finding("ok", "backlog: the kernel queues as many connections as the server asks for")
    return Finding(
        "advice",
        f"backlog: net.core.somaxconn is {machine.somaxconn}, and the server asks for {BACKLOG}",
        f"sysctl -w net.core.somaxconn={BACKLOG}; otherwise clients are refused when many reconnect at once",
    )


def _check_memory(machine: Machine, config: Config, workers: int) -> Finding:
    limit = config.server.max_memory
    if limit is None:
        return Finding(
            "advice", "memory: server.max_memory is off", 'set it to "auto", so that peers cannot exhaust memory'
        )
    held = machine.memory // 2 if limit == "auto" else limit * workers
    needed = held + config.server.max_connections * workers * CONNECTION_SIZE
    if needed <= machine.memory:
        return Finding("ok", f"memory: {machine.memory // MIB} MiB for {_workers(workers)}")
    return Finding(
        "problem",
        f"memory: {needed // MIB} MiB may be needed according to server.max_memory and server.max_connections; "
        f"there are {machine.memory // MIB} MiB",
        "lower one of the two, or run fewer workers",
    )


def _check_workers(machine: Machine, workers: int, in_memory: int) -> Finding:
    if in_memory and workers > 1:
        return Finding(
            "problem",
            f"workers: the channels are in memory, which {workers} workers do not share",
            "configure a broker: EMMETT_BROKER=redis://… or nats://…",
        )
    if workers > machine.processors:
        return Finding(
            "advice",
            f"workers: {workers} on {machine.processors} processors",
            f"run at most {machine.processors}: more would only take turns",
        )
    return Finding("ok", f"workers: {workers} on {machine.processors} processors")


def _check_speed(machine: Machine, config: Config) -> Iterator[Finding]:
    if machine.engine == "native":
        yield Finding("ok", "engine: native")
    else:
        yield Finding("advice", "engine: Python", "install a wheel with the C extension, or a C compiler to build it")
    if "uvloop" in machine.modules:
        yield Finding("ok", "event loop: uvloop")
    else:
        yield Finding("advice", "event loop: asyncio", "pip install uvloop: it is faster")
    if config.websocket.compression is not None and "isal" not in machine.modules:
        yield Finding("advice", "compression: zlib", "pip install isal: it takes a quarter of the time")


def _check_proxies(proxies: Iterable[str]) -> Finding:
    wide = [proxy for proxy in proxies if proxy != "unix" and _size_of(proxy) > MAX_PROXIES]
    if wide:
        return Finding(
            "problem",
            f"proxies: server.trusted_proxies has {', '.join(wide)}, so visitors can forge their address",
            "list only the addresses of the proxies",
        )
    if not list(proxies):
        return Finding(
            "advice",
            "proxies: server.trusted_proxies is empty, so visitors who come through a proxy all have its address",
            "list the addresses of your proxies, if there are any",
        )
    return Finding("ok", "proxies: " + ", ".join(proxies))


def _size_of(proxy: str) -> int:
    network = ipaddress.ip_network(proxy, strict=False)
    # Providers assign a /64 of IPv6 to each customer: count those.
    return max(1, network.num_addresses >> 64) if network.version == 6 else network.num_addresses


def _check_hosts(config: Config) -> Finding:
    if config.server.allowed_hosts is None:
        return Finding(
            "advice",
            "hosts: server.allowed_hosts is None, so requests for any host are served",
            "list the names of the service, unless a proxy checks Host",
        )
    return Finding("ok", "hosts: only those that are listed")


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"
