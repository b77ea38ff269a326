from __future__ import annotations

import asyncio
import os
import threading
import tracemalloc
from collections.abc import Callable
from io import FileIO
from pathlib import Path

import pytest

from emmett.http import Response, file_reader
from emmett.http.file_reader import CHUNK_SIZE, FileChangedError, FileIdentity, read_chunks, read_part

CONTENT = bytes(range(256)) * 1024


class Files:
    """Records every file that the reader opens, and can delay its reads."""

    def __init__(self) -> None:
        self.opened: list[FileIO] = []
        self.locks: list[threading.Lock] = []
        self.before_read: Callable[[], object] = lambda: None
        # Whether the reader blocked all other threads while it closed a file.
        self.closed_under_lock = True

    def open(self, path: Path) -> FileIO:
        files = self

        class Noted(FileIO):
            def read(self, size: int | None = -1, /) -> bytes:
                files.before_read()
                return super().read(size) or b""

            def close(self) -> None:
                if not self.closed:
                    files.closed_under_lock &= files.locks[-1].locked()
                super().close()

        self.opened.append(Noted(path))
        return self.opened[-1]

    def make_lock(self) -> threading.Lock:
        self.locks.append(threading.Lock())
        return self.locks[-1]

    @property
    def all_closed(self) -> bool:
        return all(file.closed for file in self.opened) and self.closed_under_lock


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Files:
    noted = Files()
    monkeypatch.setattr(file_reader, "FileIO", noted.open)
    monkeypatch.setattr(file_reader, "Lock", noted.make_lock)
    return noted


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return path


def identity_of(path: Path) -> FileIdentity:
    return FileIdentity(path.stat())


@pytest.mark.parametrize(
    ("start", "length"),
    [(0, len(CONTENT)), (1, 5), (0, CHUNK_SIZE), (7, CHUNK_SIZE + 1), (len(CONTENT) - 1, 1)],
)
async def test_a_part_comes_in_chunks_and_the_file_is_closed(path: Path, files: Files, start: int, length: int) -> None:
    chunks = [chunk async for chunk in read_chunks(path, identity_of(path), start, length)]
    assert b"".join(chunks) == CONTENT[start : start + length]
    assert max(map(len, chunks)) <= CHUNK_SIZE
    assert len(files.opened) == 1
    assert files.all_closed


async def test_nothing_is_opened_before_the_first_chunk(path: Path, files: Files) -> None:
    chunks = read_chunks(path, identity_of(path), 0, 10)
    await chunks.aclose()
    assert not files.opened


async def test_an_empty_part_needs_no_file(path: Path, files: Files) -> None:
    assert [chunk async for chunk in read_chunks(path, identity_of(path), 0, 0)] == []
    assert not files.opened


async def test_the_file_is_closed_if_reading_stops_in_the_middle(path: Path, files: Files) -> None:
    chunks = read_chunks(path, identity_of(path), 0, len(CONTENT))
    assert await anext(chunks) == CONTENT[:CHUNK_SIZE]
    assert not files.all_closed
    await chunks.aclose()
    assert files.all_closed


async def test_the_file_is_closed_when_the_reader_is_cancelled_in_a_read(path: Path, files: Files) -> None:
    loop = asyncio.get_running_loop()
    reading, go_on = asyncio.Event(), threading.Event()

    def hold_up() -> None:
        loop.call_soon_threadsafe(reading.set)
        assert go_on.wait(10)

    files.before_read = hold_up
    chunks = read_chunks(path, identity_of(path), 0, len(CONTENT))
    task = asyncio.ensure_future(anext(chunks))
    await reading.wait()
    task.cancel()
    # The thread cannot be cancelled, so the file may only be closed after it has finished.
    await asyncio.sleep(0)
    assert not files.all_closed
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(files.opened) == 1
    assert files.all_closed


async def test_reads_leave_the_event_loop_free(path: Path, files: Files) -> None:
    threads: list[threading.Thread] = []
    files.before_read = lambda: threads.append(threading.current_thread())
    assert [chunk async for chunk in read_chunks(path, identity_of(path), 0, len(CONTENT))]
    assert threads
    assert threading.main_thread() not in threads


async def test_a_replaced_file_is_not_sent(path: Path, files: Files) -> None:
    identity = identity_of(path)
    other = path.with_name("other")
    other.write_bytes(CONTENT[::-1])
    other.replace(path)
    with pytest.raises(FileChangedError, match="was replaced"):
        await anext(read_chunks(path, identity, 0, 10))
    assert files.all_closed


async def test_a_truncated_file_is_an_error(path: Path, files: Files) -> None:
    chunks = read_chunks(path, identity_of(path), 0, len(CONTENT))
    await anext(chunks)
    os.truncate(path, CHUNK_SIZE)
    with pytest.raises(FileChangedError, match="ended 196608 bytes early"):
        await anext(chunks)
    assert files.all_closed


async def test_a_missing_file_is_an_error(path: Path) -> None:
    gone = path.with_name("gone")
    with pytest.raises(FileNotFoundError):
        await anext(read_chunks(gone, identity_of(path), 0, 10))


@pytest.mark.parametrize(("start", "length"), [(0, len(CONTENT)), (1, 5), (len(CONTENT) - 1, 1), (0, 0)])
def test_a_part_can_be_read_at_once(path: Path, files: Files, start: int, length: int) -> None:
    assert read_part(path, identity_of(path), start, length) == CONTENT[start : start + length]
    assert len(files.opened) == (1 if length else 0)
    assert files.all_closed


def test_a_part_of_a_replaced_file_is_not_read_at_once(path: Path, files: Files) -> None:
    identity = identity_of(path)
    path.write_bytes(b"other")
    with pytest.raises(FileChangedError, match="was replaced"):
        read_part(path, identity, 0, 3)
    assert len(files.opened) == 1
    assert files.all_closed


async def test_a_large_file_is_read_in_constant_memory(path: Path) -> None:
    size = 64 << 20
    os.truncate(path, size)
    total = 0
    tracemalloc.start()
    try:
        async for chunk in Response(read_chunks(path, identity_of(path), 0, size)).chunks():
            total += len(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total == size
    assert peak < 1 << 20
