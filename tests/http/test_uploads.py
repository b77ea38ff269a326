from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from emmett.datastructures import Headers
from emmett.errors import UsageError
from emmett.http import UploadedFile
from emmett.http.uploads import CHUNK_SIZE, Spool
from tests.http.temporary_files import PATIENCE, install

LONG = bytes(range(256)) * 1024


async def uploaded(content: bytes, *, on_disk: int = 0) -> UploadedFile:
    """A file between others, in a spool with a number of bytes on disk."""
    spool = Spool()
    data = b"before" + content + b"behind"
    if on_disk:
        spool.write(data[:on_disk])
        await spool.spill()
    spool.write(data[on_disk:])
    return UploadedFile(
        spool,
        len(b"before"),
        len(content),
        filename="x.txt",
        content_type="text/plain",
        headers=Headers([(b"content-type", b"text/plain")]),
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files in a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def close(file: UploadedFile) -> None:
    await file._spool.aclose()


# In memory, across the border between disk and memory, on disk.
@pytest.mark.parametrize("on_disk", [0, 3, 6, 8, 11, 14, 17])
async def test_a_file_is_read_in_parts(on_disk: int) -> None:
    file = await uploaded(b"hello", on_disk=on_disk)
    assert file.size == 5
    assert await file.read() == b"hello"
    assert await file.read() == b""
    await file.seek(0)
    assert [await file.read(2) for _ in range(4)] == [b"he", b"ll", b"o", b""]
    await file.seek(4)
    assert await file.read(100) == b"o"
    await file.seek(5)
    assert await file.read(0) == b""
    await file.seek(1)
    assert [chunk async for chunk in file] == [b"ello"]
    assert [chunk async for chunk in file] == []
    await close(file)


@pytest.mark.parametrize("on_disk", [0, 100_000, len(LONG) + 12])
async def test_a_long_file_is_read_in_chunks(on_disk: int) -> None:
    file = await uploaded(LONG, on_disk=on_disk)
    chunks = [chunk async for chunk in file]
    assert b"".join(chunks) == LONG
    assert [len(chunk) for chunk in chunks] == [CHUNK_SIZE] * 4
    await close(file)


@pytest.mark.parametrize("place", [-1, 6])
async def test_seeking_outside_the_file_is_refused(place: int) -> None:
    file = await uploaded(b"hello")
    with pytest.raises(UsageError, match=rf"seek\({place}\): .* from 0 to the file size, 5 bytes"):
        await file.seek(place)


@pytest.mark.parametrize("on_disk", [0, 8])
async def test_a_file_is_closed_after_its_request(on_disk: int, tmp_path: Path) -> None:
    file = await uploaded(b"hello", on_disk=on_disk)
    chunks = aiter(file)
    await close(file)
    await close(file)
    for use in (file.read(), anext(chunks), file.save(tmp_path / "x")):
        with pytest.raises(UsageError, match="deleted once it has been answered: save them before"):
            await use
    assert contents(tmp_path) == {}
    empty = await uploaded(b"")
    await close(empty)
    with pytest.raises(UsageError):
        await empty.save(tmp_path / "empty")


@pytest.mark.parametrize("on_disk", [0, 3, len(LONG) // 2, len(LONG) + 12])
async def test_a_file_can_be_saved(on_disk: int, tmp_path: Path) -> None:
    file = await uploaded(LONG, on_disk=on_disk)
    await file.read(10)
    await file.save(tmp_path / "a.txt")
    await file.save(str(tmp_path / "b.txt"))
    # Saving does not move the read position, and leaves no other file.
    assert await file.read(1) == LONG[10:11]
    assert contents(tmp_path) == {"a.txt": LONG, "b.txt": LONG}
    await close(file)


async def test_an_empty_file_is_saved(tmp_path: Path) -> None:
    await (await uploaded(b"")).save(tmp_path / "empty")
    assert (tmp_path / "empty").read_bytes() == b""


async def test_a_saved_file_has_the_usual_permissions(tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    usual.touch()
    await (await uploaded(b"x")).save(tmp_path / "saved")
    assert (tmp_path / "saved").stat().st_mode == usual.stat().st_mode


async def test_saving_replaces_an_existing_file(tmp_path: Path) -> None:
    target = tmp_path / "x.txt"
    target.write_bytes(b"old")
    with target.open("rb") as reader:
        await (await uploaded(b"new")).save(target)
        # A reader of the old file continues to read it.
        assert reader.read() == b"old"
    assert target.read_bytes() == b"new"


async def test_a_failed_save_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    file = await uploaded(b"x")
    with pytest.raises(OSError, match="folder"):
        await file.save(folder)
    with pytest.raises(FileNotFoundError):
        await file.save(tmp_path / "missing" / "x.txt")
    assert contents(folder) == {}
    folder.rmdir()
    assert contents(tmp_path) == {}


class HeldSpool(Spool):
    """A spool whose second read waits."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.waits = threading.Event()
        self.gate = threading.Event()

    def read_now(self, start: int, length: int) -> bytes:
        self.reads += 1
        if self.reads == 2:
            self.waits.set()
            assert self.gate.wait(PATIENCE)
        return super().read_now(start, length)


async def held_file() -> tuple[HeldSpool, UploadedFile]:
    spool = HeldSpool()
    spool.write(LONG)
    return spool, UploadedFile(spool, 0, len(LONG), filename="x", content_type="text/plain", headers=Headers())


async def test_a_partly_saved_file_is_not_visible(tmp_path: Path) -> None:
    target = tmp_path / "x.txt"
    target.write_bytes(b"old")
    spool, file = await held_file()
    saving = asyncio.create_task(file.save(target))
    assert await asyncio.to_thread(spool.waits.wait, PATIENCE)
    assert target.read_bytes() == b"old"
    spool.gate.set()
    await saving
    assert target.read_bytes() == LONG


async def test_a_cancelled_save_leaves_the_existing_file(tmp_path: Path) -> None:
    target = tmp_path / "x.txt"
    target.write_bytes(b"old")
    spool, file = await held_file()
    saving = asyncio.create_task(file.save(target))
    assert await asyncio.to_thread(spool.waits.wait, PATIENCE)
    saving.cancel()
    await asyncio.sleep(0)
    spool.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await saving
    # The file is gone at once, as the thread has ended.
    assert contents(tmp_path) == {"x.txt": b"old"}
    assert spool.reads == 2


async def test_a_save_ends_with_the_request(tmp_path: Path) -> None:
    spool, file = await held_file()
    saving = asyncio.create_task(file.save(tmp_path / "x.txt"))
    assert await asyncio.to_thread(spool.waits.wait, PATIENCE)
    await spool.aclose()
    spool.gate.set()
    with pytest.raises(UsageError, match="save them before"):
        await saving
    assert contents(tmp_path) == {}


async def test_a_spool_in_memory_needs_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    files = install(monkeypatch)
    spool = Spool()
    spool.write(b"hello")
    assert (spool.size, spool.in_memory) == (5, 5)
    assert await spool.read(1, 3) == b"ell"
    await spool.aclose()
    assert files.made == []


async def test_a_spool_has_one_file_however_often_it_spills(monkeypatch: pytest.MonkeyPatch) -> None:
    files = install(monkeypatch)
    spool = Spool()
    for number in range(5):
        spool.write(b"%d" % number * 10)
        await spool.spill()
        assert (spool.size, spool.in_memory, spool.is_spilling) == (10 * number + 10, 0, False)
    assert await spool.read(5, 40) == b"0" * 5 + b"1" * 10 + b"2" * 10 + b"3" * 10 + b"4" * 5
    assert (len(files.made), files.open) == (1, 1)
    await spool.aclose()
    assert files.open == 0
    with pytest.raises(UsageError):
        await spool.spill()


async def test_pieces_keep_their_order_when_spills_are_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    files = install(monkeypatch)
    files.gate.clear()
    spool = Spool()
    for piece in (b"one ", b"two ", b"three "):
        spool.write(piece)
        spilling = asyncio.create_task(spool.spill())
        assert await asyncio.to_thread(files.writing.wait, PATIENCE)
        spilling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await spilling
    spool.write(b"four")
    assert spool.is_spilling
    files.gate.set()
    await spool.spill()
    assert not spool.is_spilling
    assert await spool.read(0, spool.size) == b"one two three four"
    await spool.aclose()
    assert files.open == 0


async def test_closing_waits_for_the_thread_that_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    files = install(monkeypatch)
    files.gate.clear()
    spool = Spool()
    spool.write(b"x")
    spilling = asyncio.create_task(spool.spill())
    assert await asyncio.to_thread(files.writing.wait, PATIENCE)
    spilling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await spilling
    closing = asyncio.create_task(spool.aclose())
    await asyncio.sleep(0)
    assert files.open == 1
    files.gate.set()
    await closing
    assert files.open == 0


async def test_a_cancelled_close_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    files = install(monkeypatch)
    spool = Spool()
    spool.write(b"x")
    await spool.spill()
    closed = threading.Event()
    close_now = spool._close

    def close_and_tell() -> None:
        close_now()
        closed.set()

    monkeypatch.setattr(Spool, "_close", lambda self: close_and_tell())
    closing = asyncio.create_task(spool.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert await asyncio.to_thread(closed.wait, PATIENCE)
    assert files.open == 0


async def test_a_full_disk_is_an_error_and_leaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    files = install(monkeypatch)
    files.error = OSError(28, "No space left on device")
    spool = Spool()
    spool.write(b"x")
    with pytest.raises(OSError, match="No space left"):
        await spool.spill()
    await spool.aclose()
    assert files.open == 0
