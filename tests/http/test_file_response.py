from __future__ import annotations

import os
from pathlib import Path

import pytest

from emmett.errors import HTTPException
from emmett.http import Response, render
from emmett.http.file_reader import CHUNK_SIZE, FileChangedError
from emmett.http.file_response import FileForm, identify_file, refusal, respond_to_changes, respond_with_file
from tests.http.builders import make_request, read, sent_headers
from tests.http.static_folders import DATE, MODIFIED, write

CONTENT = b"0123456789"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    write(path, CONTENT)
    return path


def form_of(path: Path, coding: str | None = None, *, has_others: bool = False) -> FileForm:
    return FileForm(path, identify_file(path), "text/x-digits", coding, has_others)


def respond(path: Path, method: str = "GET", **fields: str) -> Response:
    headers = [(name.replace("_", "-"), value) for name, value in fields.items()]
    return respond_with_file(make_request(method, headers=headers), form_of(path), {"x-colour": "red"})


async def test_the_whole_file_is_sent(path: Path) -> None:
    response = respond(path)
    assert response.status == 200
    assert response.body == CONTENT
    assert sent_headers(response) == {
        b"accept-ranges": b"bytes",
        b"content-length": b"10",
        b"content-type": b"text/x-digits",
        b"etag": f'"{MODIFIED * 10**9:x}-a"'.encode(),
        b"last-modified": DATE.encode(),
        b"x-colour": b"red",
        b"x-content-type-options": b"nosniff",
    }


@pytest.mark.parametrize(
    ("method", "fields", "status"),
    [
        ("GET", {"range": "bytes=2-3"}, 206),
        ("GET", {"range": "bytes=10-"}, 416),
        ("GET", {"if_none_match": "*"}, 304),
        ("GET", {"if_match": '"other"'}, 412),
        ("HEAD", {"range": "bytes=2-3"}, 200),
        ("HEAD", {"if_none_match": "*"}, 304),
        ("HEAD", {"if_match": '"other"'}, 412),
        # Conditions on other methods concern the effect of the method, not the file that is sent as its response.
        ("POST", {"range": "bytes=2-3", "if_none_match": "*", "if_match": '"other"'}, 200),
    ],
)
async def test_conditions_and_ranges_apply(path: Path, method: str, fields: dict[str, str], status: int) -> None:
    response = respond(path, method, **fields)
    assert response.status == status
    content = {200: CONTENT, 206: CONTENT[2:4], 304: b""}.get(status)
    if content is not None:
        assert await read(response.body) == content


@pytest.mark.parametrize(("size", "streamed"), [(CHUNK_SIZE, False), (CHUNK_SIZE + 1, True)])
async def test_a_file_of_one_chunk_is_in_the_response(path: Path, size: int, streamed: bool) -> None:
    os.truncate(path, size)
    response = respond(path)
    assert response.is_stream is streamed
    assert response.headers["content-length"] == str(size)
    assert len(await read(response.body)) == size


def test_a_whole_file_leaves_the_status_to_the_handler(path: Path) -> None:
    assert render(respond(path), Response(status=403)).status == 403
    assert render(respond(path, range="bytes=0-1"), Response(status=403)).status == 206


def test_a_compressed_form_is_sent(path: Path) -> None:
    response = respond_with_file(make_request(), form_of(path, "br", has_others=True), {})
    assert response.headers["content-encoding"] == "br"
    assert response.headers["vary"] == "accept-encoding"
    assert response.headers["etag"] == f'"{MODIFIED * 10**9:x}-a-br"'


def test_a_date_in_the_future_is_replaced_by_now(path: Path) -> None:
    os.utime(path, (4_000_000_000, 4_000_000_000))
    assert "2096" not in respond(path).headers["last-modified"]


@pytest.mark.parametrize("status", [406, 412, 416])
def test_a_refusal_is_not_cached_in_place_of_the_file(status: int) -> None:
    told = {
        "content-encoding": "br",
        "content-disposition": "attachment",
        "cache-control": "public, max-age=9",
        "vary": "accept-encoding",
    }
    response = refusal(status, "no", told)
    assert response.status == status
    assert sent_headers(response) == {
        b"cache-control": b"no-store",
        b"content-length": b"2",
        b"content-type": b"text/plain; charset=utf-8",
        b"vary": b"accept-encoding",
    }


def test_anything_but_a_file_is_refused(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("", "pipe"):
        with pytest.raises(OSError, match="expected a file, but this is a folder, a pipe or a device"):
            identify_file(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        identify_file(tmp_path / "missing")
    # Root, the user in a container, may read every file, so the error of the system is simulated.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match="may not read it"):
        identify_file(path)


class Attempts:
    """Returns a file after it has raised this error a few times."""

    def __init__(self, error: Exception, failures: int) -> None:
        self.error = error
        self.failures = failures
        self.count = 0

    def respond(self) -> Response:
        self.count += 1
        if self.count <= self.failures:
            raise self.error
        return Response("there")


@pytest.mark.parametrize("change", [FileChangedError("replaced"), FileNotFoundError("deleted")])
def test_a_changing_file_is_opened_up_to_three_times(change: OSError) -> None:
    attempts = Attempts(change, 2)
    assert respond_to_changes(attempts.respond).body == b"there"
    assert attempts.count == 3
    attempts = Attempts(change, 3)
    with pytest.raises(type(change)):
        respond_to_changes(attempts.respond)
    assert attempts.count == 3


@pytest.mark.parametrize("error", [HTTPException(404), PermissionError("no")])
def test_other_errors_are_raised_at_once(error: Exception) -> None:
    attempts = Attempts(error, 1)
    with pytest.raises(type(error)):
        respond_to_changes(attempts.respond)
    assert attempts.count == 1
