"""Read files without blocking the event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from io import FileIO
from pathlib import Path
from threading import Lock

CHUNK_SIZE = 64 * 1024


class FileChangedError(OSError):
    """A file no longer matches its headers: it was replaced or truncated."""


class FileIdentity:
    """The state of a file when its headers were made. A file that was replaced since must not be sent with them."""

    __slots__ = ("_identity", "modified_ns", "size")

    def __init__(self, status: os.stat_result) -> None:
        self.size = status.st_size
        self.modified_ns = status.st_mtime_ns
        self._identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FileIdentity) and other._identity == self._identity

    __hash__ = None  # type: ignore[assignment]


async def read_chunks(path: Path, identity: FileIdentity, start: int, length: int) -> AsyncGenerator[bytes, None]:
    """Read a part of a file in chunks of at most `CHUNK_SIZE` bytes, each in a thread.

    Arguments:
        path: the file, which is opened when the first chunk is requested.
        identity: the state that the file must then have.
        start: the first byte.
        length: the number of bytes, all of which the file has.

    The file is closed when this generator ends, for whatever reason.

    Raises:
        FileChangedError: the file has changed or ends early.
        OSError: the file cannot be read.
    """
    reader = _Reader(path, identity, start, length)
    try:
        while chunk := await asyncio.to_thread(reader.read):
            yield chunk
    finally:
        if not reader.closed:
            # Not on the loop: closing waits for a read that a cancelled task has left in its thread.
            await asyncio.shield(asyncio.to_thread(reader.close))


def read_part(path: Path, identity: FileIdentity, start: int, length: int) -> bytes:
    """Read a part of a file at once; call this in a thread. Arguments and errors are those of `read_chunks`."""
    reader = _Reader(path, identity, start, length)
    try:
        return b"".join(iter(reader.read, b""))
    finally:
        reader.close()


class _Reader:
    """The file of `read_chunks`. It is the owner of the file even before it opens it, so that no thread can leak it."""

    def __init__(self, path: Path, identity: FileIdentity, start: int, length: int) -> None:
        self._path = path
        self._identity = identity
        self._start = start
        self._remaining = length
        self._file: FileIO | None = None
        self._lock = Lock()
        self.closed = not length

    def read(self) -> bytes:
        """Return the next chunk, `b""` at the end. The file is closed after the last one."""
        with self._lock:
            if self.closed:
                return b""
            file = self._file or self._open()
            chunk = file.read(min(CHUNK_SIZE, self._remaining))
            if not chunk:
                raise FileChangedError(f"{self._path} ended {self._remaining} bytes early: it was truncated meanwhile")
            self._remaining -= len(chunk)
            if not self._remaining:
                self._close()
            return chunk

    def close(self) -> None:
        """Close the file, after a read in progress."""
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
