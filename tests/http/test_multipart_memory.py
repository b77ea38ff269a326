"""Large forms: data in memory and on disk, all of which is removed afterwards."""

from __future__ import annotations

import asyncio
import hashlib
import tracemalloc
from pathlib import Path

import pytest

from emmett.config import HTTPSettings
from emmett.errors import RequestError, UsageError
from emmett.http import Body, Request, UploadedFile
from tests.http.builders import FORM_TYPE, form, form_request, make_request, part
from tests.http.temporary_files import PATIENCE, install

MIB = 1 << 20
CHUNK = bytes(range(256)) * 256
HEAD = b"--=-x-=\r\n" + part("file", filename="big.bin")
END = b"\r\n--=-x-=--\r\n"


def large_request(chunks: int, **settings: int) -> Request:
    """An upload of a number of chunks, which are made while it is read."""
    remaining = iter([HEAD, *[CHUNK] * chunks, END])

    async def read() -> bytes:
        # Yield to the loop, as reading from a network does.
        await asyncio.sleep(0)
        return next(remaining, b"")

    request = make_request("POST", headers=[("Content-Type", FORM_TYPE)])
    request.body = Body(read, max_size=0)
    request.configure(HTTPSettings(max_body_size=1 << 30, **settings))
    return request


async def the_file(request: Request) -> UploadedFile:
    file = (await request.files).file
    assert isinstance(file, UploadedFile)
    return file


async def test_64_mib_are_read_in_constant_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    files = install(monkeypatch)
    chunks = 64 * MIB // len(CHUNK)
    request = large_request(chunks)
    expected = hashlib.sha256()
    for _ in range(chunks):
        expected.update(CHUNK)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        file = await the_file(request)
        digest = hashlib.sha256()
        async for chunk in file:
            digest.update(chunk)
        await file.save(tmp_path / "saved")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 4 * MIB
    assert (file.size, digest.digest()) == (64 * MIB, expected.digest())
    assert (tmp_path / "saved").stat().st_size == 64 * MIB
    assert files.open == 1
    await request.aclose()
    assert files.open == 0


async def test_small_forms_need_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    files = install(monkeypatch)
    fits = form(part("a", b"x" * 50), part("f", b"y" * 49, filename="f"))
    request = form_request(fits, max_form_memory=100)
    assert len(await request.files) == 1
    assert files.made == []
    # One byte more needs a file.
    fits = form(part("a", b"x" * 50), part("f", b"y" * 50, filename="f"))
    request = form_request(fits, max_form_memory=100)
    file = (await request.files).f
    assert isinstance(file, UploadedFile)
    assert await file.read() == b"y" * 50
    assert files.open == 1
    await request.aclose()
    assert files.open == 0


async def test_files_move_to_disk_to_leave_memory_for_text() -> None:
    request = form_request(form(part("f", b"y" * 90, filename="f"), part("a", b"x" * 90)), max_form_memory=100)
    assert await request.body_params == {"a": "x" * 90}
    file = (await request.files).f
    assert isinstance(file, UploadedFile)
    assert await file.read() == b"y" * 90
    await request.aclose()


async def test_a_thousand_files_need_one_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    files = install(monkeypatch)
    parts = [part("f", b"%d" % number * 10, filename=f"{number}") for number in range(1000)]
    request = form_request(form(*parts), max_form_memory=0)
    several = (await request.files).f
    assert isinstance(several, list)
    assert [await file.read() for file in several] == [b"%d" % number * 10 for number in range(1000)]
    assert len(files.made) == 1
    await request.aclose()
    assert files.open == 0


async def test_chunks_of_single_bytes_take_little_memory() -> None:
    body = form(part("a", b"x" * 10_000), part("f", b"x" * 10_000, filename="f"))
    request = form_request(*(body[place : place + 1] for place in range(len(body))))
    tracemalloc.start()
    try:
        await request.files
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000


@pytest.mark.parametrize(
    ("settings", "end", "status"),
    [
        ({}, b"", 400),
        ({}, b"\r\n--=-x-=x", 400),
        ({"max_body_size": 200_000}, END, 413),
        ({"max_body_fields": 1}, b"\r\n" + form(part("a")), 413),
    ],
)
async def test_an_invalid_form_leaves_no_file(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, int], end: bytes, status: int
) -> None:
    files = install(monkeypatch)
    request = form_request(HEAD, *[CHUNK] * 4, end, max_form_memory=1000, **settings)
    for _ in range(2):
        with pytest.raises(RequestError) as caught:
            await request.files
        assert caught.value.status == status
    # The file is removed at once, not only when the request ends.
    assert (len(files.made), files.open) == (1, 0)
    await request.aclose()


async def test_a_client_that_leaves_leaves_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    files = install(monkeypatch)
    arriving = iter([HEAD, CHUNK, CHUNK])

    async def read() -> bytes:
        for chunk in arriving:
            return chunk
        raise RequestError(400, "the client left")

    request = form_request(max_form_memory=1000)
    request.body = Body(read, max_size=MIB)
    with pytest.raises(RequestError, match="the client left"):
        await request.body_params
    assert (len(files.made), files.open) == (1, 0)


async def test_a_full_disk_leaves_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    files = install(monkeypatch)
    files.error = OSError(28, "No space left on device")
    request = form_request(HEAD, CHUNK, END, max_form_memory=1000)
    for _ in range(2):
        with pytest.raises(OSError, match="No space left"):
            await request.files
    assert (len(files.made), files.open) == (1, 0)


async def test_a_reader_cancelled_during_a_write_leaves_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    files = install(monkeypatch)
    files.gate.clear()
    request = large_request(2, max_form_memory=1000)
    reading = asyncio.create_task(request.files)
    assert await asyncio.to_thread(files.writing.wait, PATIENCE)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    files.gate.set()
    await request.aclose()
    assert (len(files.made), files.open) == (1, 0)


async def test_after_a_reader_cancelled_during_a_write_another_continues(monkeypatch: pytest.MonkeyPatch) -> None:
    files = install(monkeypatch)
    files.gate.clear()
    request = large_request(2, max_form_memory=1000)
    first, second = asyncio.create_task(request.files), asyncio.create_task(request.files)
    assert await asyncio.to_thread(files.writing.wait, PATIENCE)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    files.gate.set()
    file = (await second).file
    assert isinstance(file, UploadedFile)
    assert await file.read() == CHUNK * 2
    await request.aclose()
    assert (len(files.made), files.open) == (1, 0)


async def test_a_form_may_be_closed_while_another_task_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    files = install(monkeypatch)
    files.gate.clear()
    request = large_request(2, max_form_memory=1000)
    reading = asyncio.create_task(request.files)
    assert await asyncio.to_thread(files.writing.wait, PATIENCE)
    closing = asyncio.create_task(request.aclose())
    await asyncio.sleep(0)
    files.gate.set()
    await closing
    with pytest.raises(UsageError, match="answered"):
        await reading
    assert (len(files.made), files.open) == (1, 0)


@pytest.mark.parametrize("read_ahead", [2, 3], ids=["before the end", "at the end"])
async def test_a_form_that_is_closed_between_two_chunks_raises_an_error(read_ahead: int) -> None:
    waits, closed = asyncio.Event(), asyncio.Event()
    remaining = iter([HEAD, CHUNK, END])

    async def read() -> bytes:
        nonlocal read_ahead
        if read_ahead == 0:
            waits.set()
            await closed.wait()
        read_ahead -= 1
        return next(remaining, b"")

    request = make_request("POST", headers=[("Content-Type", FORM_TYPE)])
    request.body = Body(read, max_size=0)
    request.configure(HTTPSettings(max_body_size=1 << 30))
    reading = asyncio.create_task(request.files)
    await waits.wait()
    await request.aclose()
    closed.set()
    with pytest.raises(UsageError, match="answered"):
        await reading
