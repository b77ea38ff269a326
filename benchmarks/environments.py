"""Virtual environments for peers, each its own under `.bench/`, so that the project's stays as it is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BENCH_FOLDER = ROOT / ".bench"
INSTALL_TIMEOUT = 600.0


class EnvironmentUnavailable(Exception):
    """A peer could not be installed; the message says what the installer said."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment with exact versions, so that figures of different days compare.

    Attributes:
        name: folder under `.bench/`.
        requirements: what pip installs, pinned with `==`.
    """

    name: str
    requirements: tuple[str, ...]

    def prepare(self, folder: Path = BENCH_FOLDER) -> Path:
        """Make the environment unless it is there already with the same requirements.

        Arguments:
            folder: where environments are kept.

        Returns:
            Its Python interpreter.

        Raises:
            EnvironmentUnavailable: the installation failed, most often for want of a network.
        """
        place = folder / self.name
        python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        # Written last: an environment without it was left half made.
        receipt, wanted = place / "receipt.txt", "\n".join((sys.version, *self.requirements))
        if python.exists() and receipt.exists() and receipt.read_text("utf-8") == wanted:
            return python
        make_folder(folder)
        receipt.unlink(missing_ok=True)
        for command in _install_commands(place, python, self.requirements):
            _run(command)
        receipt.write_text(wanted, "utf-8")
        return python


def make_folder(folder: Path) -> None:
    """Make a folder of which git takes no notice."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("*\n", "utf-8")


def _install_commands(place: Path, python: Path, requirements: tuple[str, ...]) -> list[list[str]]:
    uv = shutil.which("uv")
    if uv is not None:
        return [
            [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(place)],
            [uv, "pip", "install", "--quiet", "--python", str(python), *requirements],
        ]
    return [
        [sys.executable, "-m", "venv", "--clear", str(place)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements],
    ]


def _run(command: list[str]) -> None:
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentUnavailable(f"{command[0]}: {error}") from error
    if result.returncode != 0:
        lines = (result.stderr or result.stdout).strip().splitlines()
        raise EnvironmentUnavailable(lines[-1] if lines else f"{command[0]} ended with status {result.returncode}")
