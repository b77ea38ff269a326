"""What the figures were taken on."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

from benchmarks.environments import ROOT


def describe_machine() -> dict[str, str | int | None]:
    """Return processor, cores that may be used, system, Python, and the commit that is measured."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "commit": _commit(),
    }


def describe_load() -> list[float] | None:
    """Return how many processes wanted to run in the last 1, 5 and 15 minutes; None where the system does not tell."""
    try:
        return [round(figure, 2) for figure in os.getloadavg()]
    except OSError:
        return None


def find_model(cpuinfo: str) -> str | None:
    """Return the model name of the first processor in the text of /proc/cpuinfo."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return None


def _processor() -> str:
    try:
        model = find_model(Path("/proc/cpuinfo").read_text("utf-8"))
    except OSError:
        model = None
    return model or platform.processor() or platform.machine()


def _commit() -> str | None:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() if result.returncode == 0 else None
