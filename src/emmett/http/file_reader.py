"""Reading of files without blocking the event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from io import FileIO
from pathlib import Path
from threading import Lock

CHUNK_SIZE = 64 * 1024


class FileChangedError(OSError):
    """A file is no longer the one that its headers tell of: it was replaced, or it was cut."""


class FileIdentity:
    """What a file was when its headers were made: a file that was replaced since must not be sent under them."""

    __slots__ = ("_identity", "modified_ns", "size")

    def __init__(self, status: os.stat_result) -> None:
        self.size = status.st_size
        self.modified_ns = status.st_mtime_ns
        self._identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FileIdentity) and other._identity == self._identity

    __hash__ = None  # type: ignore[assignment]


async def read_chunks(path: Path, identity: FileIdentity, start: int, length: int) -> AsyncGenerator[bytes, None]:
    """Read a part of a file, at most `CHUNK_SIZE` bytes at a time, each in a thread.

    Arguments:
        path: the file; it is opened when the first chunk is asked for.
        identity: what the file must be then.
        start: the first byte.
        length: how many bytes; the file has them.

    The file is closed when this generator ends, in whatever way.

    Raises:
        FileChangedError: when the file is no longer the one it was, or ends early.
        OSError: when it cannot be read.
    """
    reader = _Reader(path, identity, start, length)
    try:
        while chunk := await asyncio.to_thread(reader.read):
            yield chunk
    finally:
        if not reader.closed:
            # Not on the loop: it waits for the read that a cancelled task has left behind in its thread.
            await asyncio.shield(asyncio.to_thread(reader.close))


def read_part(path: Path, identity: FileIdentity, start: int, length: int) -> bytes:
    """Read a part of a file at once; for a thread. Arguments and errors are those of `read_chunks`."""
    reader = _Reader(path, identity, start, length)
    try:
        return b"".join(iter(reader.read, b""))
    finally:
        reader.close()


class _Reader:
    """The file behind `read_chunks`. It owns the file from before the file is open, so that no thread can lose it."""

    def __init__(self, path: Path, identity: FileIdentity, start: int, length: int) -> None:
        self._path = path
        self._identity = identity
        self._start = start
        self._remaining = length
        self._file: FileIO | None = None
        self._lock = Lock()
        self.closed = not length

    def read(self) -> bytes:
        """Return the next chunk, `b""` at the end; the file is closed with the last one."""
        with self._lock:
            if self.closed:
                return b""
            file = self._file or self._open()
            chunk = file.read(min(CHUNK_SIZE, self._remaining))
            if not chunk:
                raise FileChangedError(f"{self._path} ended {self._remaining} bytes early: it was cut meanwhile")
            self._remaining -= len(chunk)
            if not self._remaining:
                self._close()
            return chunk

    def close(self) -> None:
        """Close the file, after a read that is under way."""
        with self._lock:
            self._close()

    def _open(self) -> FileIO:
        self._file = file = FileIO(self._path)
        if FileIdentity(os.fstat(file.fileno())) != self._identity:
            raise FileChangedError(f"{self._path} was replaced before it was sent")
        file.seek(self._start)
        return file

    def _close(self) -> None:
        self.closed = True
        if self._file is not None:
            self._file.close()
