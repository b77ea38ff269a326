"""Environments for peers, each its own under `.bench/`, so that the project's stays as it is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BENCH_FOLDER = ROOT / ".bench"
INSTALL_TIMEOUT = 600.0

_VERSIONS = """
import importlib.metadata, json, platform, sys
versions = {"python": platform.python_version()}
for name in sys.argv[1:]:
    try:
        versions[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        versions[name] = "not installed"
print(json.dumps(versions))
"""


class EnvironmentUnavailable(Exception):
    """A peer could not be installed; the message says what the installer said."""


class AnyEnvironment(ABC):
    """What programs run in.

    Attributes:
        isolated: servers in it get none of the project's Python paths.
    """

    isolated = True

    @abstractmethod
    def prepare(self, folder: Path = BENCH_FOLDER) -> Path:
        """Make the environment in a folder unless it is there already as it should be, and return its interpreter.

        Raises:
            EnvironmentUnavailable: the installation failed, most often for want of a network, a wheel or a compiler.
        """

    def versions(self, runtime: str, packages: Sequence[str]) -> dict[str, str]:
        """Return the versions of the interpreter and of some packages."""
        versions: dict[str, str] = json.loads(_output(runtime, "-c", _VERSIONS, *packages))
        return versions

    def run_code(self, runtime: str, code: str) -> list[str]:
        """Return the command that runs a line of code."""
        return [runtime, "-c", code]


class OwnEnvironment(AnyEnvironment):
    """The project's own environment."""

    isolated = False

    def prepare(self, folder: Path = BENCH_FOLDER) -> Path:
        """Return the Python that runs this."""
        return Path(sys.executable)


OWN = OwnEnvironment()


@dataclass(frozen=True)
class Environment(AnyEnvironment):
    """A virtual environment under `.bench/` with pinned versions, so that figures of different days compare.

    Attributes:
        python: the minor version of CPython that the requirements need; None for the one that runs this.
    """

    name: str
    requirements: tuple[str, ...]
    python: str | None = None

    def prepare(self, folder: Path = BENCH_FOLDER) -> Path:
        """Make the environment unless it is there already with the same requirements."""
        place = folder / self.name
        python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        wanted = "\n".join((self.python or sys.version, *self.requirements))
        if not (python.exists() and _is_receipt(place, wanted)):
            base = find_python(self.python) if self.python else sys.executable
            make_folder(folder)
            # Written last: an environment without it was left half made.
            (place / "receipt.txt").unlink(missing_ok=True)
            for command in _install_commands(base, place, python, self.requirements):
                _run(command)
            (place / "receipt.txt").write_text(wanted, "utf-8")
        return python


@dataclass(frozen=True)
class NodeEnvironment(AnyEnvironment):
    """Packages for Node.js in a folder under `.bench/`, pinned with `==`. Node.js and npm must be there."""

    name: str
    requirements: tuple[str, ...]

    def prepare(self, folder: Path = BENCH_FOLDER) -> Path:
        """Install the packages unless they are there already, and return the path of `node`."""
        node, npm = shutil.which("node"), shutil.which("npm")
        if node is None or npm is None:
            raise EnvironmentUnavailable(f"{'node' if node is None else 'npm'} is not on the PATH")
        place = folder / self.name
        wanted = "\n".join((node, *self.requirements))
        if not _is_receipt(place, wanted):
            make_folder(folder)
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            packages = [requirement.replace("==", "@") for requirement in self.requirements]
            _run([npm, "install", "--prefix", str(place), "--no-audit", "--no-fund", "--silent", *packages])
            (place / "receipt.txt").write_text(wanted, "utf-8")
        return Path(node)

    def versions(self, runtime: str, packages: Sequence[str]) -> dict[str, str]:
        """Return the versions of Node.js and of some packages."""
        versions = {"node": _output(runtime, "--version").strip().removeprefix("v")}
        for package in packages:
            about = BENCH_FOLDER / self.name / "node_modules" / package / "package.json"
            versions[package] = json.loads(about.read_text("utf-8"))["version"] if about.exists() else "not installed"
        return versions

    def run_code(self, runtime: str, code: str) -> list[str]:
        """Return the command that runs a line of code, which finds the packages."""
        place = json.dumps(str(BENCH_FOLDER / self.name) + "/")
        return [runtime, "-e", f"(require => {{ {code} }})(require('node:module').createRequire({place}))"]


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def make_folder(folder: Path) -> None:
    """Make a folder that git ignores."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", "utf-8")


def _is_receipt(place: Path, wanted: str) -> bool:
    receipt = place / "receipt.txt"
    return receipt.exists() and receipt.read_text("utf-8") == wanted


def find_python(version: str) -> str:
    """Return a CPython of a minor version that can make environments: on the PATH, or one of pyenv's.

    Raises:
        EnvironmentUnavailable: there is none.
    """
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    for candidate in (f"python{version}", *sorted(map(str, versions.glob(f"{version}.*/bin/python{version}")))):
        # A shim of pyenv is found on the PATH, and may fail.
        with suppress(OSError, subprocess.SubprocessError):
            check = [candidate, "-c", "import ensurepip, sys, venv; sys.exit(sys.implementation.name != 'cpython')"]
            subprocess.run(check, capture_output=True, check=True, timeout=60)
            return candidate
    raise EnvironmentUnavailable(f"it needs CPython {version}, which was not found")


def _install_commands(base: str, place: Path, python: Path, requirements: tuple[str, ...]) -> list[list[str]]:
    uv = shutil.which("uv")
    if uv is not None:
        return [
            [uv, "venv", "--quiet", "--clear", "--python", base, str(place)],
            [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), *requirements],
        ]
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--prefer-binary"]
    return [[base, "-m", "venv", "--clear", str(place)], [*pip, *requirements]]


def _run(command: list[str]) -> None:
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentUnavailable(f"{command[0]}: {error}") from error
    if result.returncode != 0:
        lines = (result.stderr or result.stdout).strip().splitlines()
        raise EnvironmentUnavailable(lines[-1] if lines else f"{command[0]} ended with status {result.returncode}")
