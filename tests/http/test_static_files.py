from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from emmett.errors import HTTPException
from emmett.http import BodyStream, StaticFiles, static_files
from emmett.http.file_reader import CHUNK_SIZE, FileChangedError, FileIdentity
from emmett.http.file_response import identify_file
from tests.http.builders import make_request, read, sent_headers
from tests.http.static_folders import DATE, MODIFIED, get, write

TEXT = b"body { color: red }\n"
LARGE = bytes(range(251)) * 2000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    for name, content in (("css/a.css", TEXT), ("large.bin", LARGE), ("empty.txt", b"")):
        write(folder / name, content)
    for name in ("secret.txt", "static-other/secret.txt"):
        write(tmp_path / name, b"secret")
    return folder


async def test_a_small_file_is_in_the_response(folder: Path) -> None:
    response = await get(folder, "css/a.css")
    assert response.status == 200
    assert response.body == TEXT
    etag = f'"{MODIFIED * 10**9:x}-{len(TEXT):x}"'.encode()
    assert sent_headers(response) == {
        b"content-type": b"text/css; charset=utf-8",
        b"content-length": b"20",
        b"last-modified": DATE.encode(),
        b"etag": etag,
        b"cache-control": b"no-cache",
        b"accept-ranges": b"bytes",
        b"x-content-type-options": b"nosniff",
    }


async def test_a_large_file_is_streamed(folder: Path) -> None:
    response = await get(folder, "large.bin")
    assert response.is_stream
    assert sent_headers(response)[b"content-length"] == str(len(LARGE)).encode()
    chunks = [chunk async for chunk in response.chunks()]
    assert b"".join(chunks) == LARGE
    assert max(map(len, chunks)) == CHUNK_SIZE


async def test_an_empty_file_is_sent(folder: Path) -> None:
    response = await get(folder, "empty.txt", range="bytes=0-")
    assert response.status == 200
    assert response.body == b""
    assert sent_headers(response)[b"content-type"] == b"text/plain; charset=utf-8"
    assert sent_headers(response)[b"content-length"] == b"0"


@pytest.mark.parametrize("filename", ["css/a.css", "large.bin", "empty.txt"])
async def test_head_has_the_headers_of_get_and_opens_nothing(folder: Path, filename: str) -> None:
    expected = sent_headers(await get(folder, filename))
    response = await get(folder, filename, "HEAD")
    assert sent_headers(response) == expected
    # Reading the stream opens the file, which an adapter does not do for HEAD.
    assert isinstance(response.body, BodyStream)
    await response.aclose()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_another_method_is_405(folder: Path, method: str) -> None:
    with pytest.raises(HTTPException) as caught:
        await get(folder, "css/a.css", method)
    assert caught.value.status == 405
    assert caught.value.headers == {"Allow": "GET, HEAD"}


@pytest.mark.parametrize(
    "filename",
    [
        "../secret.txt",
        "css/../../secret.txt",
        "css/../css/a.css",
        "./css/a.css",
        "../static/css/a.css",
        "../static-other/secret.txt",
        "..",
        ".",
        "",
        "/",
        "/etc/passwd",
        "//etc/passwd",
        "css//a.css",
        "css/a.css/",
        "css/a.css/x",
        "css\\a.css",
        "..\\secret.txt",
        "css/..\\..\\secret.txt",
        "css/a.css\0",
        "\0",
        "css/a.css\0.png",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "..%5csecret.txt",
        "css/a.css%00",
        "css/a.css%00.png",
        "css",
        "css/",
        "missing",
        "link-out",
        "folder-out/secret.txt",
        "link-sibling",
        "link-broken",
        "link-loop",
        "pipe",
        "socket",
        "x" * 5000,
        "x/" * 5000,
        "\ud800",
        "a\udcff",
        "~root",
        "C:/windows",
    ],
    ids=lambda filename: repr(filename[:24]),
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_everything_but_files_of_the_folder_is_the_same_404(
    folder: Path, filename: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "css\\a.css").write_bytes(b"hardly what was meant")
    (folder / "link-out").symlink_to("../secret.txt")
    (folder / "folder-out").symlink_to("..")
    (folder / "link-sibling").symlink_to("../static-other/secret.txt")
    (folder / "link-broken").symlink_to("nowhere")
    (folder / "link-loop").symlink_to("link-loop")
    os.mkfifo(folder / "pipe")
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        with pytest.raises(HTTPException) as caught:
            await get(folder, filename, method, if_none_match="*", range="bytes=0-0")
    assert (caught.value.status, caught.value.body, caught.value.headers) == (404, "", {})


async def test_an_unreadable_file_is_the_same_404(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root, the user in a container, may read every file, so the error of the system is simulated.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(HTTPException) as caught:
        await get(folder, "css/a.css")
    assert (caught.value.status, caught.value.body) == (404, "")


async def test_a_link_inside_the_folder_is_followed(folder: Path) -> None:
    (folder / "alias.css").symlink_to("css/a.css")
    (folder / "styles").symlink_to("css")
    assert (await get(folder, "alias.css")).body == TEXT
    assert (await get(folder, "styles/a.css")).body == TEXT


async def test_the_folder_itself_may_be_a_link_that_moves(folder: Path, tmp_path: Path) -> None:
    current = tmp_path / "current"
    current.symlink_to(folder)
    files = StaticFiles(current)
    assert (await files.respond(make_request(), "css/a.css")).body == TEXT
    current.unlink()
    current.symlink_to(tmp_path / "static-other")
    assert (await files.respond(make_request(), "secret.txt")).body == b"secret"
    with pytest.raises(HTTPException):
        await files.respond(make_request(), "css/a.css")


async def test_a_missing_folder_has_no_files(tmp_path: Path) -> None:
    with pytest.raises(HTTPException) as caught:
        await get(tmp_path / "missing", "a.css")
    assert caught.value.status == 404


async def test_a_current_copy_is_304(folder: Path) -> None:
    first = sent_headers(await get(folder, "css/a.css"))
    etag = first[b"etag"].decode()
    for fields in ({"if_none_match": etag}, {"if_none_match": f"W/{etag}"}, {"if_modified_since": DATE}):
        for method in ("GET", "HEAD"):
            response = await get(folder, "css/a.css", method, fields=fields)
            assert response.status == 304
            assert response.body == b""
            left_out = (b"content-type", b"content-length")
            assert sent_headers(response) == {name: value for name, value in first.items() if name not in left_out}


async def test_an_outdated_copy_is_replaced(folder: Path) -> None:
    etag = sent_headers(await get(folder, "css/a.css"))[b"etag"].decode()
    (folder / "css" / "a.css").write_bytes(b"new")
    response = await get(folder, "css/a.css", if_none_match=etag, if_modified_since=DATE)
    assert response.status == 200
    assert response.body == b"new"
    assert sent_headers(response)[b"etag"].decode() != etag


async def test_a_failed_precondition_is_412(folder: Path) -> None:
    response = await get(folder, "css/a.css", if_match='"other"')
    assert response.status == 412
    assert sent_headers(response)[b"cache-control"] == b"no-store"


async def test_a_range_is_sent(folder: Path) -> None:
    response = await get(folder, "css/a.css", range="bytes=5-9")
    assert response.status == 206
    assert response.body == TEXT[5:10]
    fields = sent_headers(response)
    assert fields[b"content-range"] == b"bytes 5-9/20"
    assert fields[b"content-length"] == b"5"
    assert fields[b"content-type"] == b"text/css; charset=utf-8"
    assert b"etag" in fields


async def test_a_large_range_is_streamed(folder: Path) -> None:
    response = await get(folder, "large.bin", range="bytes=-400000")
    assert response.status == 206
    assert response.is_stream
    fields = sent_headers(response)
    assert fields[b"content-range"] == f"bytes {len(LARGE) - 400000}-{len(LARGE) - 1}/{len(LARGE)}".encode()
    assert fields[b"content-length"] == b"400000"
    assert await read(response.body) == LARGE[-400000:]


async def test_a_range_beyond_the_end_is_416(folder: Path) -> None:
    response = await get(folder, "css/a.css", range="bytes=20-")
    assert response.status == 416
    fields = sent_headers(response)
    assert fields[b"content-range"] == b"bytes */20"
    assert fields[b"content-type"] == b"text/plain; charset=utf-8"
    assert isinstance(response.body, bytes)
    assert fields[b"content-length"] == str(len(response.body)).encode()


@pytest.mark.parametrize("header", ["bytes=0-1,3-4", "bytes=x", "lines=1-2", "bytes=0-0," * 100_000])
async def test_anything_but_one_range_gets_the_whole_file(folder: Path, header: str) -> None:
    response = await get(folder, "css/a.css", range=header)
    assert response.status == 200
    assert response.body == TEXT
    assert b"content-range" not in sent_headers(response)


async def test_head_ignores_ranges(folder: Path) -> None:
    response = await get(folder, "css/a.css", "HEAD", range="bytes=5-9")
    assert response.status == 200
    assert sent_headers(response)[b"content-length"] == b"20"
    await response.aclose()


async def test_if_range_validates_the_copy(folder: Path) -> None:
    etag = sent_headers(await get(folder, "css/a.css"))[b"etag"].decode()
    for validator, status in ((etag, 206), (f"W/{etag}", 200), ('"old"', 200), (DATE, 206), ("x", 200)):
        response = await get(folder, "css/a.css", range="bytes=5-9", if_range=validator)
        assert response.status == status
        assert response.body == (TEXT[5:10] if status == 206 else TEXT)


async def test_a_current_copy_takes_precedence_over_a_range(folder: Path) -> None:
    assert (await get(folder, "css/a.css", range="bytes=5-9", if_none_match="*")).status == 304


async def test_a_modification_date_in_the_future_is_replaced_by_now(folder: Path) -> None:
    future = 4_000_000_000
    os.utime(folder / "css" / "a.css", (future, future))
    last_modified = sent_headers(await get(folder, "css/a.css"))[b"last-modified"]
    assert b"2096" not in last_modified


async def test_a_file_in_a_compressed_format_is_sent_as_it_is(folder: Path) -> None:
    (folder / "a.tar.gz").write_bytes(b"x")
    (folder / "latest").symlink_to("css/a.css")
    response = await get(folder, "a.tar.gz")
    assert response.content_type == "application/gzip"
    assert "content-encoding" not in response.headers
    # The name in the request decides, not that of the target of a link.
    assert (await get(folder, "latest")).content_type == "application/octet-stream"


async def test_max_age_applies_only_to_the_file(folder: Path) -> None:
    answers: list[tuple[dict[str, str], int, str]] = [
        ({}, 200, "public, max-age=3600"),
        ({"range": "bytes=0-1"}, 206, "public, max-age=3600"),
        ({"if_none_match": "*"}, 304, "public, max-age=3600"),
        # A cache that stored one of these responses would give it to others in place of the file.
        ({"range": "bytes=20-"}, 416, "no-store"),
        ({"if_match": '"other"'}, 412, "no-store"),
        ({"accept_encoding": "identity;q=0"}, 406, "no-store"),
    ]
    for fields, status, cache_control in answers:
        response = await get(folder, "css/a.css", max_age=3600, fields=fields)
        assert (response.status, response.headers["cache-control"]) == (status, cache_control)


async def test_a_file_may_be_replaced_while_it_is_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    def look(path: Path) -> FileIdentity:
        nonlocal looks
        looks += 1
        identity = identify_file(path)
        if looks == 1:
            path.write_bytes(b"replaced")
        elif looks == 3:
            path.unlink()
        return identity

    monkeypatch.setattr(static_files, "identify_file", look)
    response = await get(folder, "css/a.css")
    assert response.body == b"replaced"
    assert sent_headers(response)[b"content-length"] == b"8"
    with pytest.raises(HTTPException) as caught:
        await get(folder, "css/a.css")
    assert (caught.value.status, looks) == (404, 3)


async def test_a_file_that_keeps_changing_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(path: Path) -> FileIdentity:
        identity = identify_file(path)
        path.write_bytes(path.read_bytes() + b"more")
        return identity

    monkeypatch.setattr(static_files, "identify_file", look)
    with pytest.raises(FileChangedError, match=r"a\.css was replaced"):
        await get(folder, "css/a.css")


@pytest.mark.parametrize("filename", ["css/a.css", "missing", "../secret.txt", "large.bin"])
async def test_finding_a_file_and_reading_a_small_one_takes_one_thread_switch(
    folder: Path, filename: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = 0
    to_thread = asyncio.to_thread

    async def count(function: Callable[..., object], *arguments: object) -> object:
        nonlocal changes
        changes += 1
        return await to_thread(function, *arguments)

    monkeypatch.setattr(asyncio, "to_thread", count)
    with suppress(HTTPException):
        await get(folder, filename)
    assert changes == 1


@pytest.mark.parametrize(
    "unit", ["0-0,", ",", "-", "0", "9", "bytes=", " ", "\t", "0-", "-1,", "1-0,", '"', 'W/"', "W/"]
)
async def test_a_flood_in_a_header_takes_linear_time(folder: Path, unit: str) -> None:
    # With quadratic time, this would run for minutes.
    flood = unit * ((1 << 18) // len(unit))
    floods: list[dict[str, str]] = [
        {"range": f"bytes={flood}"},
        {"range": flood, "if_range": flood},
        {"if_match": f'"{flood}', "if_none_match": flood},
        {"if_none_match": f'"{flood}'},
        {"if_modified_since": flood, "if_unmodified_since": flood},
        {"accept_encoding": flood},
    ]
    for fields in floods:
        response = await get(folder, "css/a.css", fields=fields)
        assert response.status in (200, 206, 304, 412, 416)
