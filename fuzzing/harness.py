"""Hands what atheris makes up to a check: `python fuzzing/harness.py frames CORPUS [options of libFuzzer]`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

# Started as a script, Python looks for modules beside it and not where the package `fuzzing` is.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def main() -> None:
    """Run until libFuzzer has had enough or something is found."""
    name = sys.argv.pop(1)
    # It has no types, and is there only where fuzzing is wanted.
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["emmett"]):
        check = importlib.import_module(f"fuzzing.checks.{name}").check
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
