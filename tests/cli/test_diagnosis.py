"""The findings of each check on various machines and configurations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emmett.cli.diagnosis import Finding, Machine, diagnose, inspect_machine
from emmett.config import MIB, Config

GOOD = Machine(20_000, 4096, 8192 * MIB, 4, "native", frozenset(("uvloop", "isal")))


def make(**server: Any) -> Config:
    config = Config()
    config.server.trusted_proxies = ["10.0.0.7", "unix"]
    config.server.allowed_hosts = ["example.com"]
    for name, value in server.items():
        setattr(config.server, name, value)
    return config


def findings(
    machine: Machine = GOOD, config: Config | None = None, workers: int = 2, in_memory: int = 0
) -> list[Finding]:
    """Return the findings that are not fine."""
    found = list(diagnose(machine, config or make(), workers, in_memory))
    assert all(bool(finding.advice) is (finding.level != "ok") for finding in found)
    return [finding for finding in found if finding.level != "ok"]


def test_a_healthy_machine_has_no_problems() -> None:
    assert findings() == []
    assert findings(GOOD._replace(files=None, somaxconn=None)) == []


@pytest.mark.parametrize(
    ("machine", "level", "text"),
    [
        (
            GOOD._replace(files=1024),
            "problem",
            "files: 1024 allow 682 connections, and server.",
        ),
        (GOOD._replace(somaxconn=128), "advice", "backlog: net.core.somaxconn is 128"),
        (GOOD._replace(memory=512 * MIB), "problem", "memory: 568 MiB may be needed"),
        (GOOD._replace(processors=1), "advice", "workers: 2 on 1 processors"),
        (GOOD._replace(engine="python"), "advice", "engine: Python"),
        (GOOD._replace(modules=frozenset(("isal",))), "advice", "event loop: asyncio"),
    ],
)
def test_shortcomings_of_a_machine_are_found(machine: Machine, level: str, text: str) -> None:
    (finding,) = findings(machine)
    assert finding.level == level
    assert finding.text.startswith(text)


@pytest.mark.parametrize(
    ("settings", "level", "text"),
    [
        ({"max_memory": None}, "advice", "memory: server.max_memory is off"),
        ({"max_memory": 8192 * MIB}, "problem", "memory: "),
        ({"trusted_proxies": ["0.0.0.0/0"]}, "problem", "proxies: server.trusted_proxies has 0.0.0.0/0"),
        ({"trusted_proxies": ["::/0"]}, "problem", "proxies: server.trusted_proxies has ::/0"),
        ({"trusted_proxies": []}, "advice", "proxies: server.trusted_proxies is empty"),
        ({"allowed_hosts": None}, "advice", "hosts: server.allowed_hosts is None"),
    ],
)
def test_shortcomings_of_a_configuration_are_found(settings: dict[str, Any], level: str, text: str) -> None:
    (finding,) = findings(config=make(**settings))
    assert finding.level == level
    assert finding.text.startswith(text)


@pytest.mark.parametrize("proxy", ["10.0.0.0/16", "fd00::/56", "::1", "127.0.0.1"])
def test_narrow_networks_of_proxies_are_no_problem(proxy: str) -> None:
    assert findings(config=make(trusted_proxies=[proxy])) == []


def test_channels_in_memory_with_several_workers_are_a_problem() -> None:
    (finding,) = findings(in_memory=1)
    assert (finding.level, finding.text) == (
        "problem",
        "workers: the channels are in memory, which 2 workers do not share",
    )
    assert findings(workers=1, in_memory=1) == []


def test_compression_without_the_fast_library_is_found() -> None:
    config = make()
    config.websocket.compression = "deflate"
    (finding,) = findings(GOOD._replace(modules=frozenset(("uvloop",))), config)
    assert finding.text == "compression: zlib"


def test_this_machine_can_be_checked(tmp_path: Path) -> None:
    machine = inspect_machine(10)
    assert machine.memory > 0
    assert machine.processors >= 1
    (tmp_path / "proc/sys/net/core").mkdir(parents=True)
    (tmp_path / "proc/sys/net/core/somaxconn").write_text("77\n")
    assert inspect_machine(10, tmp_path).somaxconn == 77
    assert inspect_machine(10, tmp_path / "nowhere").somaxconn is None
