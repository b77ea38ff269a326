"""The claims of docs/deployment.md and the quickstart about processes: their commands and files, except for the port.

The configurations of proxies are tested in tests/integration/test_proxy_recipes.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import inspect
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from websockets.asyncio.client import connect

from emmett.config import Config
from emmett.health import TIMEOUT as HEALTH_TIMEOUT
from emmett.health import HealthChecks
from emmett.server.listening import BACKLOG
from emmett.telemetry.instruments import CONNECTIONS
from tests.docs.pages import ROOT, blocks, page
from tests.docs.programs import programs_of
from tests.integration.servers import connectable
from tests.ports import free_port
from tests.tools import tool

DEPLOYMENT = "docs/deployment.md"
ASGI_COMMANDS = [
    line
    for block in blocks("sh")
    if block.page == DEPLOYMENT and block.heading == "Other ASGI servers"
    for line in block.text.splitlines()
]


@contextlib.asynccontextmanager
async def running(command: list[str], folder: Path, port: int) -> AsyncIterator[None]:
    """Run a command and its child processes until the block ends; it must listen on a port of 127.0.0.1."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        listening = asyncio.create_task(connectable(port))
        ended = asyncio.create_task(process.wait())
        await asyncio.wait((listening, ended), return_when=asyncio.FIRST_COMPLETED)
        assert not ended.done(), f"{command} ended with {process.returncode} before it listened"
        ended.cancel()
        yield
    finally:
        listening.cancel()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def assert_echo(url: str) -> None:
    async with connect(url) as client:
        await client.send("Hello")
        assert await client.recv() == "Hello"


def installed(command: str) -> list[str]:
    """Split a command, whose program is the one installed next to this Python."""
    name, *arguments = shlex.split(command)
    return [str(Path(sys.executable).with_name(name)), *arguments]


@pytest.mark.parametrize("command", ASGI_COMMANDS)
async def test_other_servers_serve_the_application(command: str, tmp_path: Path) -> None:
    programs_of(page("docs/quickstart.md"))[0].save(tmp_path)
    port = free_port()
    assert "8000" in command
    async with running(installed(command.replace("8000", str(port))), tmp_path, port):
        await assert_echo(f"ws://127.0.0.1:{port}/echo")


def test_three_other_servers_are_shown() -> None:
    assert [command.split()[0] for command in ASGI_COMMANDS] == ["uvicorn", "hypercorn", "granian"]


async def test_the_first_steps_of_the_quickstart_work(tmp_path: Path) -> None:
    quickstart = page("docs/quickstart.md")
    programs_of(quickstart)[0].save(tmp_path)
    (command,) = (block.text.strip() for block in quickstart.blocks if block.text.startswith("emmett "))
    port = free_port()
    name, *arguments = shlex.split(command)
    assert name == "emmett"
    words = [sys.executable, "-m", "emmett", *arguments, "--port", str(port)]
    async with running(words, tmp_path, port):
        await assert_echo(f"ws://127.0.0.1:{port}/echo")


def test_the_options_of_a_command_are_in_the_right_place() -> None:
    """`-a` belongs to `emmett`, not to the command after it."""
    for block in blocks("sh", "console"):
        assert not re.search(r"\bemmett \w.* -a ", block.text), str(block)


def manifests() -> dict[str, Any]:
    """Return the manifests for Kubernetes by their kind."""
    (block,) = (each for each in blocks("yaml") if each.page == DEPLOYMENT and each.heading == "Kubernetes")
    # It is installed because mkdocs depends on it.
    yaml = importlib.import_module("yaml")
    return {manifest["kind"]: manifest for manifest in yaml.safe_load_all(block.text)}


def test_the_manifests_match_the_application() -> None:
    found = manifests()
    pod = found["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    paths = inspect.signature(HealthChecks).parameters
    for probe, parameter in (("livenessProbe", "live"), ("readinessProbe", "ready")):
        assert container[probe]["httpGet"]["path"] == paths[parameter].default
        assert container[probe]["timeoutSeconds"] >= HEALTH_TIMEOUT
    settings = Config().server
    longest = 5.0 + 2 * (settings.shutdown_timeout + settings.cancel_timeout)
    assert longest == 75.0
    assert pod["terminationGracePeriodSeconds"] > longest
    assert found["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == found["Deployment"]["metadata"]["name"]
    (metric,) = found["HorizontalPodAutoscaler"]["spec"]["metrics"]
    assert metric["pods"]["metric"]["name"] == CONNECTIONS.family


def test_the_manifests_match_the_schemas_of_kubernetes() -> None:
    """The schemas are those of the newest version in the package, and forbid unknown members."""
    found = manifests()
    assert set(found) == {"Deployment", "HorizontalPodAutoscaler"}
    for manifest in found.values():
        kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)
    # A misspelt member is found.
    found["Deployment"]["spec"]["replica"] = 3
    with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
        kubernetes_validate.validate(found["Deployment"], kubernetes_validate.latest_version(), strict=True)


@pytest.mark.needs("hadolint")
def test_the_dockerfile_passes_the_linter(tmp_path: Path) -> None:
    (block,) = blocks("dockerfile")
    file = tmp_path / "Dockerfile"
    for text, status in ((block.text, 0), (block.text.replace("USER 10001\n", "USER root\n"), 1)):
        file.write_text(text, "utf-8")
        run = subprocess.run([tool("hadolint"), str(file)], capture_output=True, text=True, timeout=180, check=False)
        assert run.returncode == status, run.stdout


def test_the_listen_queues_of_kernel_and_server_are_equally_long() -> None:
    (block,) = (each for each in blocks("ini") if each.page == DEPLOYMENT and each.heading == "The kernel")
    settings = dict(line.split(" = ") for line in block.text.splitlines() if not line.startswith("#"))
    assert int(settings["net.core.somaxconn"]) >= BACKLOG
