from __future__ import annotations

import os
from pathlib import Path

import pytest

from emmett.errors import HTTPException
from tests.http.builders import read, sent_headers
from tests.http.static_folders import DATE, MODIFIED, get, write

CONTENTS = {
    "identity": b"the script as it is",
    "br": b"the script in Brotli",
    "zstd": b"the script in Zstandard",
    "gzip": b"the script in gzip",
}
SUFFIXES = {"identity": "", "br": ".br", "zstd": ".zst", "gzip": ".gz"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    for coding, content in CONTENTS.items():
        write(folder / f"js/a.js{SUFFIXES[coding]}", content)
    write(folder / "alone.js", b"alone")
    return folder


@pytest.mark.parametrize(
    ("accept_encoding", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("zstd", "zstd"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("identity;q=0, *", "br"),
        ("identity;q=0, gzip", "gzip"),
        ("deflate", "identity"),
        ("", "identity"),
        ("br;q=0, gzip;q=0, zstd;q=0", "identity"),
        ("br;q=0.1, identity", "identity"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_form_that_the_client_prefers_is_sent(
    folder: Path, accept_encoding: str, coding: str, method: str
) -> None:
    response = await get(folder, "js/a.js", method, accept_encoding=accept_encoding)
    content = CONTENTS[coding]
    fields = sent_headers(response)
    tag = f'"{MODIFIED * 10**9:x}-{len(content):x}{"" if coding == "identity" else f"-{coding}"}"'
    assert response.status == 200
    assert fields.pop(b"content-encoding", b"identity") == coding.encode()
    assert fields == {
        b"content-type": b"text/javascript; charset=utf-8",
        b"content-length": str(len(content)).encode(),
        b"vary": b"accept-encoding",
        b"etag": tag.encode(),
        b"last-modified": DATE.encode(),
        b"cache-control": b"no-cache",
        b"accept-ranges": b"bytes",
        b"x-content-type-options": b"nosniff",
    }
    assert await read(response.body) == content


async def test_without_accept_encoding_the_file_itself_is_sent(folder: Path) -> None:
    response = await get(folder, "js/a.js")
    assert response.body == CONTENTS["identity"]
    assert response.headers["vary"] == "accept-encoding"
    assert "content-encoding" not in response.headers


async def test_a_file_without_siblings_is_the_same_for_all(folder: Path) -> None:
    response = await get(folder, "alone.js", accept_encoding="gzip, br")
    assert response.body == b"alone"
    assert "vary" not in response.headers
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize(
    ("filename", "accept_encoding"),
    [("alone.js", "identity;q=0"), ("alone.js", "gzip, *;q=0"), ("js/a.js", "identity;q=0"), ("js/a.js", "*;q=0")],
)
async def test_a_client_that_refuses_every_form_gets_406(folder: Path, filename: str, accept_encoding: str) -> None:
    response = await get(folder, filename, accept_encoding=accept_encoding, if_none_match="*")
    assert response.status == 406
    assert response.headers["vary"] == "accept-encoding"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert "etag" not in response.headers
    codings = "identity" if filename == "alone.js" else "br, zstd, gzip, identity"
    assert await read(response.body) == f"the request refuses all available codings: {codings}".encode()


async def test_each_form_has_its_own_tag(folder: Path) -> None:
    tags = {coding: (await get(folder, "js/a.js", accept_encoding=coding)).headers["etag"] for coding in CONTENTS}
    assert len(set(tags.values())) == 4
    for coding in CONTENTS:
        for tag_of, tag in tags.items():
            response = await get(folder, "js/a.js", accept_encoding=coding, if_none_match=tag)
            assert response.status == (304 if tag_of == coding else 200)
            assert response.headers["vary"] == "accept-encoding"
            assert response.headers["etag"] == tags[coding]


async def test_a_range_applies_to_the_compressed_form(folder: Path) -> None:
    response = await get(folder, "js/a.js", accept_encoding="gzip", range="bytes=4-9")
    assert response.status == 206
    assert response.body == CONTENTS["gzip"][4:10]
    assert response.headers["content-range"] == f"bytes 4-9/{len(CONTENTS['gzip'])}"
    assert response.headers["content-encoding"] == "gzip"


async def test_parts_of_different_forms_are_not_combined(folder: Path) -> None:
    tags = {coding: (await get(folder, "js/a.js", accept_encoding=coding)).headers["etag"] for coding in CONTENTS}
    # Neither a date nor the tag of another form identifies the form.
    for validator, status in ((tags["gzip"], 206), (tags["identity"], 200), (tags["br"], 200), (DATE, 200)):
        response = await get(folder, "js/a.js", accept_encoding="gzip", range="bytes=0-3", if_range=validator)
        assert response.status == status
    assert (await get(folder, "alone.js", range="bytes=0-3", if_range=DATE)).status == 206


async def test_an_unsatisfiable_range_is_not_encoded(folder: Path) -> None:
    response = await get(folder, "js/a.js", accept_encoding="gzip", range="bytes=99-")
    assert response.status == 416
    assert response.headers["content-range"] == f"bytes */{len(CONTENTS['gzip'])}"
    assert "content-encoding" not in response.headers


@pytest.mark.parametrize(
    ("filename", "content_type"),
    [
        ("js/a.js.gz", "application/gzip"),
        ("js/a.js.br", "application/octet-stream"),
        ("js/a.js.zst", "application/octet-stream"),
    ],
)
async def test_a_compressed_file_can_be_requested_by_its_name(folder: Path, filename: str, content_type: str) -> None:
    for suffix in SUFFIXES.values():
        write(folder / f"{filename}{suffix}", b"compressed")
    response = await get(folder, filename, accept_encoding="gzip, br, zstd")
    assert response.body == b"compressed"
    assert response.content_type == content_type
    assert "content-encoding" not in response.headers
    assert "vary" not in response.headers


async def test_a_compressed_form_without_its_file_is_404(folder: Path) -> None:
    (folder / "js/a.js").unlink()
    with pytest.raises(HTTPException) as caught:
        await get(folder, "js/a.js", accept_encoding="gzip, br")
    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("original", "sibling", "used"),
    [(10, 9, False), (10.9, 10, True), (10, 10, True), (10, 11, True), (11, 10.9, False)],
)
async def test_an_older_sibling_is_ignored(folder: Path, original: float, sibling: float, used: bool) -> None:
    write(folder / "b.js", b"new", MODIFIED + original)
    write(folder / "b.js.gz", b"compressed", MODIFIED + sibling)
    response = await get(folder, "b.js", accept_encoding="gzip")
    assert response.body == (b"compressed" if used else b"new")
    assert ("vary" in response.headers) is used


async def test_a_sibling_outside_the_folder_is_ignored(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "secret.gz", b"secret")
    write(tmp_path / "static-other" / "secret.br", b"secret")
    (folder / "alone.js.gz").symlink_to("../secret.gz")
    (folder / "alone.js.br").symlink_to("../static-other/secret.br")
    (folder / "alone.js.zst").symlink_to("alone.js.zst")
    response = await get(folder, "alone.js", accept_encoding="gzip, br, zstd")
    assert response.body == b"alone"
    assert "vary" not in response.headers


async def test_a_sibling_that_is_no_file_is_ignored(folder: Path) -> None:
    (folder / "alone.js.gz").mkdir()
    os.mkfifo(folder / "alone.js.br")
    response = await get(folder, "alone.js", accept_encoding="gzip, br")
    assert response.body == b"alone"
    assert "vary" not in response.headers


async def test_a_link_to_a_sibling_inside_the_folder_is_followed(folder: Path) -> None:
    write(folder / "compressed", b"compressed")
    (folder / "alone.js.gz").symlink_to("compressed")
    response = await get(folder, "alone.js", accept_encoding="gzip")
    assert response.body == b"compressed"
    assert response.content_type == "text/javascript; charset=utf-8"


async def test_a_large_sibling_is_streamed(folder: Path) -> None:
    write(folder / "alone.js.gz", b"x" * 300_000)
    response = await get(folder, "alone.js", accept_encoding="gzip")
    assert response.is_stream
    assert response.headers["content-length"] == "300000"
    assert await read(response.body) == b"x" * 300_000
