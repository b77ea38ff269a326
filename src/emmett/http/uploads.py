"""`UploadedFile`: an uploaded file of a form; `Spool`: the storage of its content."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event, Lock
from typing import IO

from ..datastructures import Headers
from ..errors import UsageError

CHUNK_SIZE = 64 * 1024


class Spool:
    """The concatenated content of all files of one form: the last part in memory, the excess on disk.

    One temporary file holds it all, so that a form with a thousand files costs one descriptor. The file has no name if
    the system allows that. It is deleted when it is closed or the process ends.
    """

    __slots__ = ("_file", "_leaving", "_lock", "_on_disk", "_tail", "_was_spilled", "closed", "size")

    def __init__(self) -> None:
        # Bytes written.
        self.size = 0
        self.closed = False
        self._tail = bytearray()
        # Data on its way to disk. A cancelled task leaves it to its thread, or to the next task.
        self._leaving: deque[bytearray] = deque()
        self._was_spilled = False
        # The state that threads change while they hold the lock.
        self._lock = Lock()
        self._file: IO[bytes] | None = None
        self._on_disk = 0

    @property
    def in_memory(self) -> int:
        """How many bytes are in memory and not on their way to disk."""
        return len(self._tail)

    @property
    def is_spilling(self) -> bool:
        """Whether bytes are between memory and disk, because a spill was cancelled."""
        return bool(self._leaving)

    def write(self, data: bytes) -> None:
        """Append data."""
        self._tail += data
        self.size += len(data)

    async def spill(self) -> None:
        """Move the data in memory to disk.

        Raises:
            OSError: the data cannot be written.
            UsageError: the spool is closed.
        """
        self.refuse_closed()
        self._was_spilled = True
        if self._tail:
            self._leaving.append(self._tail)
            self._tail = bytearray()
        await asyncio.to_thread(self._write_leaving)

    async def read(self, start: int, length: int) -> bytes:
        """Return `length` bytes from `start`, all of which the spool has.

        Raises:
            UsageError: the spool is closed.
        """
        if self._was_spilled:
            return await asyncio.to_thread(self.read_now, start, length)
        return self.read_now(start, length)

    def read_now(self, start: int, length: int) -> bytes:
        """Read as `read` does, but block until the disk has answered."""
        with self._lock:
            self.refuse_closed()
            on_disk = max(min(length, self._on_disk - start), 0)
            pieces = []
            if on_disk:
                assert self._file is not None
                self._file.seek(start)
                pieces.append(self._file.read(on_disk))
            if on_disk < length:
                place = start + on_disk - self._on_disk
                pieces.append(bytes(memoryview(self._tail)[place : place + length - on_disk]))
            return b"".join(pieces)

    async def aclose(self) -> None:
        """Discard all data and delete the temporary file. It can be called several times."""
        if not self.closed:
            self.closed = True
            if self._was_spilled:
                # Not on the loop: closing waits for the thread that a cancelled task has left, and for the disk.
                await asyncio.shield(asyncio.to_thread(self._close))
            else:
                self._tail = bytearray()

    def _write_leaving(self) -> None:
        with self._lock:
            if self.closed:
                return
            if self._file is None:
                self._file = TemporaryFile()  # noqa: SIM115 - `_close` closes it
            while self._leaving:
                # Piece by piece, from the front, so that two threads cannot swap pieces.
                piece = self._leaving[0]
                self._file.seek(self._on_disk)
                self._file.write(piece)
                self._file.flush()
                self._on_disk += len(piece)
                self._leaving.popleft()

    def _close(self) -> None:
        with self._lock:
            self._leaving.clear()
            self._tail = bytearray()
            if self._file is not None:
                self._file.close()

    def refuse_closed(self) -> None:
        """Raise `UsageError` if the spool is closed."""
        if self.closed:
            raise UsageError("the uploaded files of a request are deleted once it has been answered: save them before")


class UploadedFile:
    """A file that was uploaded with a multipart form. It is available until the request has been answered.

    `await file.read()` returns its content, and `async for chunk in file` yields it in pieces. Both continue at the
    current position, and `await file.seek(0)` goes back to the start. `await file.save(path)` keeps the file.

    Attributes:
        filename: the name that the sender gave the file, made safe: without folders and control characters, at most
            255 bytes, never `.` or `..`; empty if nothing is left. It says nothing about the content.
        content_type: the media type that the sender claims, in lower case and without parameters.
        size: the size in bytes.
        headers: the header fields of its part of the form.
    """

    __slots__ = ("_place", "_spool", "_start", "content_type", "filename", "headers", "size")

    def __init__(
        self, spool: Spool, start: int, size: int, *, filename: str, content_type: str, headers: Headers
    ) -> None:
        self.filename = filename
        self.content_type = content_type
        self.size = size
        self.headers = headers
        self._spool = spool
        self._start = start
        # The position of the next read.
        self._place = 0

    async def read(self, size: int = -1) -> bytes:
        """Return the next bytes of the file; `b""` at its end.

        Arguments:
            size: the maximum number of bytes; all remaining ones if it is negative.

        Raises:
            UsageError: the request has been answered.
        """
        remaining = self.size - self._place
        length = remaining if size < 0 else min(size, remaining)
        content = await self._spool.read(self._start + self._place, length)
        self._place += length
        return content

    async def seek(self, place: int) -> None:
        """Move to a position in the file.

        Arguments:
            place: the position in bytes from the beginning, 0 to `size`.

        Raises:
            UsageError: the position is outside of the file.
        """
        if not 0 <= place <= self.size:
            raise UsageError(f"seek({place}): the position must be from 0 to the file size, {self.size} bytes")
        self._place = place

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while chunk := await self.read(CHUNK_SIZE):
            yield chunk

    async def save(self, path: str | os.PathLike[str]) -> None:
        """Write the whole file to disk in a thread, regardless of the current position.

        Arguments:
            path: the target, in an existing folder. An existing file is replaced in one step, when the new one is
                complete: no reader ever sees half a file, and an error or a cancellation leaves the old one.

        Raises:
            OSError: the file cannot be written.
            UsageError: the request has been answered.
        """
        self._spool.refuse_closed()
        copy = _Copy(self._spool, self._start, self.size, Path(path))
        saving = asyncio.ensure_future(asyncio.to_thread(copy.run))
        try:
            await asyncio.shield(saving)
        except asyncio.CancelledError:
            copy.stop()
            # This waits for one piece at most. Then no file is left and none appears later.
            await asyncio.wait((saving,))
            raise

    def __repr__(self) -> str:
        return f"<UploadedFile {self.filename!r}, {self.size} bytes of {self.content_type}>"


class _Copy:
    """The work of `UploadedFile.save`, in its thread."""

    def __init__(self, spool: Spool, start: int, size: int, path: Path) -> None:
        self._spool = spool
        self._start = start
        self._size = size
        self._path = path
        self._stopped = Event()

    def stop(self) -> None:
        """Stop after the piece that is being written."""
        self._stopped.set()

    def run(self) -> None:
        """Write the whole file or nothing."""
        # In the same folder: a file can be replaced in one step only within a file system.
        temporary = self._path.with_name(f".upload-{secrets.token_hex(8)}.tmp")
        try:
            # Without `tempfile`, whose files only their owner may read.
            with open(temporary, "xb") as file:
                for place in range(0, self._size, CHUNK_SIZE):
                    if self._stopped.is_set():
                        break
                    file.write(self._spool.read_now(self._start + place, min(CHUNK_SIZE, self._size - place)))
            if not self._stopped.is_set():
                os.replace(temporary, self._path)
        finally:
            temporary.unlink(missing_ok=True)
