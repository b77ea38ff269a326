"""Forms on the default server and as ASGI application on others (reliability: HTTP 76)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from emmett import App, request
from emmett.http import UploadedFile
from tests.http.builders import FORM_TYPE, form, part
from tests.http.temporary_files import install
from tests.integration.browsing import visit
from tests.integration.raw_client import connect
from tests.integration.servers import SERVERS

# uvicorn's older implementation of websockets uses an API that is deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::uvicorn.config.UvicornDeprecationWarning"),
    pytest.mark.parametrize("server", SERVERS),
]

PHOTO = bytes(range(256)) * 1024
HEADERS = {"Content-Type": FORM_TYPE}


async def in_pieces(body: bytes, size: int = 10_000) -> AsyncIterator[bytes]:
    """Return a body without Content-Length, which is sent chunked."""
    for place in range(0, len(body), size):
        yield body[place : place + size]


def form_app(folder: Path | None = None) -> App:
    app = App(__name__)
    app.config.http.max_form_memory = 10_000

    @app.route("/form", methods="post")
    async def take() -> dict[str, Any]:
        files, params = await request.files, await request.body_params
        sizes = {}
        for name, file in files.items():
            assert isinstance(file, UploadedFile)
            sizes[name] = [file.filename, file.content_type, file.size]
            if folder is not None:
                await file.save(folder / file.filename)
        return {"fields": params, "files": sizes}

    @app.route("/small", methods="post", max_body_size=5000, max_body_fields=1000, body_timeout=0.2)
    async def take_little() -> dict[str, Any]:
        return await request.body_params

    return app


async def test_a_form_with_a_file_is_read(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    files = install(monkeypatch)
    body = form(
        part("title", b"Summer"),
        part("photo", PHOTO, "Content-Type: image/png", filename="../beach.png"),
        part("note", b"short", filename="note.txt"),
    )
    async with visit(server, form_app(tmp_path)) as client:
        for content in (body, in_pieces(body)):
            got = await client.post("/form", content=content, headers=HEADERS)
            assert (got.status_code, got.json()) == (
                200,
                {
                    "fields": {"title": "Summer"},
                    "files": {
                        "photo": ["beach.png", "image/png", len(PHOTO)],
                        "note": ["note.txt", "application/octet-stream", 5],
                    },
                },
            )
            assert (tmp_path / "beach.png").read_bytes() == PHOTO
            assert (tmp_path / "note.txt").read_bytes() == b"short"
    assert (len(files.made), files.open) == (2, 0)


REFUSED: list[tuple[str, bytes, int, str]] = [
    ("/small", form(part("f", b"x" * 5000, filename="f")), 413, "larger than the 5000 bytes"),
    ("/small", form(part("a", b"x" * 5000)), 413, "larger than the 5000 bytes"),
    ("/form", form(*[part("a")] * 10_000), 413, "more than the 1000 fields"),
    ("/form", form(part("a", b"x" * 10_000)), 413, "text fields of the form are larger than the 10000 bytes"),
    ("/form", form(part("a", b"x", "X: " + "x" * 5000)), 413, "4096 bytes"),
    ("/form", form(part("a", b"x"))[:-4], 400, "final delimiter"),
    ("/form", b"a=1&b=2&c=3", 400, "begins with its boundary"),
]


async def test_invalid_forms_are_refused(server: str) -> None:
    async with visit(server, form_app()) as client:
        for path, body, status, why in REFUSED:
            for chunked in (False, True):
                # In one piece, which every server reads before it responds; otherwise some break the connection.
                content = in_pieces(body, len(body)) if chunked else body
                try:
                    got = await client.post(path, content=content, headers=HEADERS)
                except httpx.TransportError:
                    # granian 2.8 may reset a connection whose body it has not read fully, and the response is lost.
                    assert server == "granian"
                    continue
                assert (why, got.status_code) == (why, status)
                assert why in got.text


async def test_a_missing_body_is_408_and_ends_the_connection(server: str) -> None:
    async with SERVERS[server](form_app()) as running, connect(running.port) as client:
        head = f"POST /small HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM_TYPE}\r\nContent-Length: 100\r\n\r\n"
        client.write(head.encode() + b"--=-x-=")
        status, _, text = await client.read_response()
        assert (status, b"did not arrive in time" in text) == (408, True)
        if server != "granian":
            # granian sometimes keeps such a connection.
            await client.read_end()


async def test_an_upload_that_breaks_off_leaves_no_file(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    files = install(monkeypatch)
    ended = asyncio.Event()
    app = form_app()

    @app.route("/watched", methods="post")
    async def watched() -> None:
        try:
            await request.files
        finally:
            ended.set()

    async with SERVERS[server](app) as running:
        async with connect(running.port) as client:
            head = f"POST /watched HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM_TYPE}\r\nContent-Length: 900000\r\n\r\n"
            client.write(head.encode() + form(part("f", PHOTO, filename="f"))[:200_000])
            assert await asyncio.to_thread(files.writing.wait, 20)
        await ended.wait()
    assert (len(files.made), files.open) == (1, 0)
