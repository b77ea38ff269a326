"""Temporary files that tests can count and hold."""

from __future__ import annotations

import tempfile
import threading
from typing import IO, Any

import pytest

from emmett.http import uploads

# Seconds after which a held write continues, so that a failing test ends.
PATIENCE = 20.0


class TemporaryFiles:
    """Replaces `tempfile.TemporaryFile`, with a list of the files and a gate before each write.

    Attributes:
        made: all files that were made.
        gate: writes wait until it is set, as it is at first.
        writing: set by a write that waits.
        error: what writes raise.
    """

    def __init__(self) -> None:
        self.made: list[IO[bytes]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.writing = threading.Event()
        self.error: OSError | None = None

    def __call__(self) -> Any:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
        self.made.append(file)
        return _GatedFile(file, self)

    @property
    def open(self) -> int:
        """The number of open files."""
        return sum(not file.closed for file in self.made)


class _GatedFile:
    def __init__(self, file: IO[bytes], files: TemporaryFiles) -> None:
        self._file = file
        self._files = files

    def write(self, data: bytes) -> int:
        self._files.writing.set()
        assert self._files.gate.wait(PATIENCE)
        if self._files.error is not None:
            raise self._files.error
        return self._file.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def install(monkeypatch: pytest.MonkeyPatch) -> TemporaryFiles:
    """Let uploads use temporary files that can be counted and held."""
    files = TemporaryFiles()
    monkeypatch.setattr(uploads, "TemporaryFile", files)
    return files
