"""The types of the public API: two type checkers accept a right program, and find each mistake of a wrong one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools import NODE_FOLDER, tool

FOLDER = Path(__file__).parent
PROGRAM = FOLDER / "program.py"
MISTAKES = FOLDER / "mistakes.py"
CHECKERS = ["mypy", pytest.param("pyright", marks=pytest.mark.needs("pyright"))]


def run_mypy(file: Path, folder: Path) -> set[int]:
    """Return the lines that mypy --strict complains about."""
    arguments = ("--strict", "--config-file=", f"--cache-dir={folder}", "--python-executable", sys.executable)
    command = [sys.executable, "-m", "mypy", *arguments, file.name]
    result = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=100)
    assert result.returncode in {0, 1}, result.stdout + result.stderr
    return {int(line) for line in re.findall(rf"^{file.name}:(\d+): error:", result.stdout, re.MULTILINE)}


def run_pyright(file: Path, folder: Path) -> set[int]:
    """Return the lines that pyright complains about in its strict mode."""
    settings = {"typeCheckingMode": "strict", "reportUnusedFunction": False}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    shutil.copy(file, folder)
    program = NODE_FOLDER / "node_modules" / "pyright" / "index.js"
    arguments = ("--project", str(folder), "--pythonpath", sys.executable, "--outputjson")
    command = [tool("pyright"), str(program), *arguments]
    result = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=100)
    assert result.returncode in {0, 1}, result.stdout + result.stderr
    assert json.loads(result.stdout)["summary"]["filesAnalyzed"] == 1
    found = [each for each in json.loads(result.stdout)["generalDiagnostics"] if each["severity"] == "error"]
    return {each["range"]["start"]["line"] + 1 for each in found}


def check(checker: str, file: Path, folder: Path) -> set[int]:
    return {"mypy": run_mypy, "pyright": run_pyright}[checker](file, folder)


def mistakes(checker: str) -> set[int]:
    """Return the lines of `mistakes.py` that say so; some name the one checker that sees them."""
    lines = enumerate(MISTAKES.read_text("utf-8").splitlines(), 1)
    found = {number: re.search(r"# mistake(?: for (\w+))?:", line) for number, line in lines}
    return {number for number, match in found.items() if match and match[1] in {None, checker}}


@pytest.mark.parametrize("checker", CHECKERS)
def test_a_right_program_passes(checker: str, tmp_path: Path) -> None:
    assert check(checker, PROGRAM, tmp_path) == set()


@pytest.mark.parametrize("checker", CHECKERS)
def test_every_mistake_is_found(checker: str, tmp_path: Path) -> None:
    expected = mistakes(checker)
    assert len(expected) >= 12
    assert check(checker, MISTAKES, tmp_path) == expected
