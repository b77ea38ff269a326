"""Run a check on inputs of atheris: `python fuzzing/harness.py frames CORPUS [options of libFuzzer]`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

# When run as a script, Python searches modules next to the script, not in the folder of the package `fuzzing`.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def main() -> None:
    """Run until libFuzzer reaches its limit or finds a fault."""
    name = sys.argv.pop(1)
    # It has no types, and is installed only for fuzzing.
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["emmett"]):
        check = importlib.import_module(f"fuzzing.checks.{name}").check
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
