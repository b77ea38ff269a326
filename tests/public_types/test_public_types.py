"""The types of the public API: two type checkers accept a correct program, and find each mistake in a wrong one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.tools import NODE_FOLDER, tool

FOLDER = Path(__file__).parent
PROGRAM = FOLDER / "program.py"
MISTAKES = FOLDER / "mistakes.py"
CHECKERS = ["mypy", pytest.param("pyright", marks=pytest.mark.needs("pyright"))]


def run_mypy(folder: Path) -> set[tuple[str, int]]:
    """Return the files and lines that mypy --strict complains about."""
    arguments = ("--strict", "--config-file=", f"--cache-dir={folder}", "--python-executable", sys.executable)
    command = [sys.executable, "-m", "mypy", *arguments, PROGRAM.name, MISTAKES.name]
    result = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=180)
    assert result.returncode == 1, result.stdout + result.stderr
    return {(name, int(line)) for name, line in re.findall(r"^(.+):(\d+): error:", result.stdout, re.MULTILINE)}


def run_pyright(folder: Path) -> set[tuple[str, int]]:
    """Return the files and lines that pyright complains about in its strict mode."""
    settings = {"typeCheckingMode": "strict", "reportUnusedFunction": False}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    for file in (PROGRAM, MISTAKES):
        shutil.copy(file, folder)
    program = NODE_FOLDER / "node_modules" / "pyright" / "index.js"
    arguments = ("--project", str(folder), "--pythonpath", sys.executable, "--outputjson")
    command = [tool("pyright"), str(program), *arguments]
    result = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=180)
    assert result.returncode == 1, result.stdout + result.stderr
    assert json.loads(result.stdout)["summary"]["filesAnalyzed"] == 2
    found = [each for each in json.loads(result.stdout)["generalDiagnostics"] if each["severity"] == "error"]
    return {(Path(each["file"]).name, each["range"]["start"]["line"] + 1) for each in found}


@cache
def complaints(checker: str) -> set[tuple[str, int]]:
    """Return the errors of a checker in both programs, in one run."""
    with TemporaryDirectory() as folder:
        return {"mypy": run_mypy, "pyright": run_pyright}[checker](Path(folder))


def mistakes(checker: str) -> set[int]:
    """Return the marked lines of `mistakes.py`; some name the only checker that finds them."""
    lines = enumerate(MISTAKES.read_text("utf-8").splitlines(), 1)
    found = {number: re.search(r"# mistake(?: for (\w+))?:", line) for number, line in lines}
    return {number for number, match in found.items() if match and match[1] in {None, checker}}


@pytest.mark.parametrize("checker", CHECKERS)
def test_a_correct_program_passes(checker: str) -> None:
    assert {line for name, line in complaints(checker) if name == PROGRAM.name} == set()


@pytest.mark.parametrize("checker", CHECKERS)
def test_every_mistake_is_found(checker: str) -> None:
    expected = mistakes(checker)
    assert len(expected) >= 12
    assert {line for name, line in complaints(checker) if name == MISTAKES.name} == expected
