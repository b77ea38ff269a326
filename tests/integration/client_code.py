"""The compilers and type checkers of generated clients, with their strictest settings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.tools import NODE_FOLDER, tool

DEADLINE = 100.0
# The strictest settings that exist; Node.js runs a file unchanged if it satisfies `erasableSyntaxOnly`.
STRICT = (
    *("--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom"),
    *("--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--noImplicitOverride", "--noImplicitReturns"),
    *("--erasableSyntaxOnly", "--noUnusedLocals", "--noUnusedParameters", "--verbatimModuleSyntax"),
)


def run_tsc(folder: Path, *arguments: str) -> str:
    """Compile with TypeScript, and return the output."""
    compiler = NODE_FOLDER / "node_modules" / "typescript" / "bin" / "tsc"
    command = [tool("typescript"), str(compiler), *STRICT, *arguments]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=DEADLINE, check=False)
    return result.stdout + result.stderr


def run_mypy(folder: Path, *files: str) -> str:
    """Check with mypy, and return the output."""
    arguments = ("--strict", "--config-file=", "--cache-dir=.mypy_cache", "--python-executable", sys.executable)
    command = [sys.executable, "-m", "mypy", *arguments, *files]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert result.returncode in {0, 1}, result.stdout + result.stderr
    return result.stdout


def run_pyright(folder: Path) -> list[tuple[str, int, str]]:
    """Check all files of a folder with pyright: file, line and message of each error."""
    (folder / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict"}))
    program = NODE_FOLDER / "node_modules" / "pyright" / "index.js"
    command = [tool("pyright"), str(program), "--project", str(folder), "--pythonpath", sys.executable, "--outputjson"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=DEADLINE, check=False)
    found = json.loads(result.stdout)
    assert found["summary"]["filesAnalyzed"] > 0
    return [
        (Path(each["file"]).name, each["range"]["start"]["line"] + 1, each["message"])
        for each in found["generalDiagnostics"]
        if each["severity"] == "error"
    ]
