"""`UploadedFile`: a file that came with a form; `Spool`: where its content is."""

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
    """The content of all files of one form, one behind the other: the end in memory, what was too much of it on disk.

    One temporary file holds it all, so that a form of a thousand files costs one descriptor. The file has no name where
    the system allows it; it is gone once it is closed, or the process has ended.
    """

    __slots__ = ("_file", "_leaving", "_lock", "_on_disk", "_tail", "_was_spilled", "closed", "size")

    def __init__(self) -> None:
        # Bytes that were written.
        self.size = 0
        self.closed = False
        self._tail = bytearray()
        # What is on its way to disk. A cancelled task leaves it to its thread, or to the next one.
        self._leaving: deque[bytearray] = deque()
        self._was_spilled = False
        # What threads change, with the lock held.
        self._lock = Lock()
        self._file: IO[bytes] | None = None
        self._on_disk = 0

    @property
    def in_memory(self) -> int:
        """How many bytes wait for `spill`, or need none."""
        return len(self._tail)

    @property
    def is_spilling(self) -> bool:
        """Whether bytes are between memory and disk: a spill was cancelled."""
        return bool(self._leaving)

    def write(self, data: bytes) -> None:
        """Add data at the end."""
        self._tail += data
        self.size += len(data)

    async def spill(self) -> None:
        """Move what is in memory to disk.

        Raises:
            OSError: it cannot be written there.
            UsageError: the spool was closed.
        """
        self.refuse_closed()
        self._was_spilled = True
        if self._tail:
            self._leaving.append(self._tail)
            self._tail = bytearray()
        await asyncio.to_thread(self._write_leaving)

    async def read(self, start: int, length: int) -> bytes:
        """Return so many bytes from a place on; the spool has them.

        Raises:
            UsageError: the spool was closed.
        """
        if self._was_spilled:
            return await asyncio.to_thread(self.read_now, start, length)
        return self.read_now(start, length)

    def read_now(self, start: int, length: int) -> bytes:
        """Do as `read`, and wait for the disk."""
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
        """Forget everything; the temporary file is gone. It may be called again."""
        if not self.closed:
            self.closed = True
            if self._was_spilled:
                # Not on the loop: it waits for the thread that a cancelled task has left behind, and for the disk.
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
                # It goes by the piece, from the front: two threads cannot swap pieces.
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
        """Raise `UsageError` when the spool was closed."""
        if self.closed:
            raise UsageError("the uploaded files of a request are gone once it has been answered: save them before")


class UploadedFile:
    """A file that came with a multipart form. It is there until the request has been answered.

    `await file.read()` gives its content, `async for chunk in file` gives it piece by piece; both go on from the place
    that the last one has reached, and `await file.seek(0)` goes back. `await file.save(path)` keeps it.

    Attributes:
        filename: the name of the file as its sender calls it, made safe: without folders, control characters and more
            than 255 bytes, never `.` or `..`; empty when nothing is left. It says nothing about the content.
        content_type: the media type that the sender claims, in lower case and without parameters.
        size: bytes.
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
        # Where the next read begins.
        self._place = 0

    async def read(self, size: int = -1) -> bytes:
        """Return the next bytes of the file; `b""` at its end.

        Arguments:
            size: the most bytes; all that remain when it is negative.

        Raises:
            UsageError: the request has been answered.
        """
        remaining = self.size - self._place
        length = remaining if size < 0 else min(size, remaining)
        content = await self._spool.read(self._start + self._place, length)
        self._place += length
        return content

    async def seek(self, place: int) -> None:
        """Let the next read begin at a byte of the file.

        Arguments:
            place: bytes from the beginning, 0 to `size`.

        Raises:
            UsageError: there is no such place.
        """
        if not 0 <= place <= self.size:
            raise UsageError(f"seek({place}): the file has {self.size} bytes, so expected is 0 to {self.size}")
        self._place = place

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while chunk := await self.read(CHUNK_SIZE):
            yield chunk

    async def save(self, path: str | os.PathLike[str]) -> None:
        """Write the whole file to disk, in a thread: wherever it was read to, all of it.

        Arguments:
            path: where to; the folder exists. A file that is there is replaced in one step, once this one is complete:
                nobody ever sees half of it, and an error or a cancellation leaves what was there.

        Raises:
            OSError: it cannot be written.
            UsageError: the request has been answered.
        """
        self._spool.refuse_closed()
        copy = _Copy(self._spool, self._start, self.size, Path(path))
        saving = asyncio.ensure_future(asyncio.to_thread(copy.run))
        try:
            await asyncio.shield(saving)
        except asyncio.CancelledError:
            copy.stop()
            # At most for one piece. Then nothing is left behind, and nothing appears later.
            await asyncio.wait((saving,))
            raise

    def __repr__(self) -> str:
        return f"<UploadedFile {self.filename!r}, {self.size} bytes of {self.content_type}>"


class _Copy:
    """`UploadedFile.save` in its thread."""

    def __init__(self, spool: Spool, start: int, size: int, path: Path) -> None:
        self._spool = spool
        self._start = start
        self._size = size
        self._path = path
        self._stopped = Event()

    def stop(self) -> None:
        """Give up after the piece that is being written."""
        self._stopped.set()

    def run(self) -> None:
        """Write all of it, or nothing."""
        # In the same folder: only within a file system it can take its place in one step.
        beside = self._path.with_name(f".upload-{secrets.token_hex(8)}.tmp")
        try:
            # Not by `tempfile`, whose files only their owner may read.
            with open(beside, "xb") as file:
                for place in range(0, self._size, CHUNK_SIZE):
                    if self._stopped.is_set():
                        break
                    file.write(self._spool.read_now(self._start + place, min(CHUNK_SIZE, self._size - place)))
            if not self._stopped.is_set():
                os.replace(beside, self._path)
        finally:
            beside.unlink(missing_ok=True)
