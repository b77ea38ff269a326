"""Write the seed corpus, one file per seed: run `python -m fuzzing.seeds` when the seeds of a check have changed."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from hashlib import sha1
from pathlib import Path

FOLDER = Path(__file__).parent / "seeds"
HARNESSES = ("handshake", "frames", "engines", "deflate", "server")
# The most bytes in a seed. Small seeds work best.
MAX_SIZE = 1024


def generate(harness: str) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of the seeds of a harness, each content once."""
    for data in importlib.import_module(f"fuzzing.checks.{harness}").seeds():
        assert len(data) <= MAX_SIZE, f"a seed of {len(data)} bytes"
        yield sha1(data, usedforsecurity=False).hexdigest()[:12], data


def main() -> None:
    """Write all seeds."""
    for harness in HARNESSES:
        folder = FOLDER / harness
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for name, data in generate(harness):
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
