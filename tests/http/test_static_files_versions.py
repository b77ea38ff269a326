from __future__ import annotations

from pathlib import Path

import pytest

from emmett.errors import HTTPException
from tests.http.static_folders import get, write

FOR_GOOD = "public, max-age=31536000, immutable"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    write(folder / "js/a.js", b"script")
    write(folder / "js/a.js.gz", b"compressed")
    write(folder / "_vendor/b.js", b"vendor")
    write(folder / "_7/c.js", b"in a folder of this name")
    write(tmp_path / "secret.txt", b"secret")
    return folder


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_file_of_this_version_may_be_cached_forever(folder: Path, method: str) -> None:
    response = await get(folder, "_7/js/a.js", method, version="7", max_age=60)
    assert response.status == 200
    assert response.headers["cache-control"] == FOR_GOOD
    assert response.headers["content-length"] == "6"
    await response.aclose()


async def test_a_copy_of_this_version_can_be_revalidated(folder: Path) -> None:
    etag = (await get(folder, "_7/js/a.js", version="7")).headers["etag"]
    response = await get(folder, "_7/js/a.js", version="7", if_none_match=etag)
    assert (response.status, response.headers["cache-control"]) == (304, FOR_GOOD)


@pytest.mark.parametrize("marker", ["_6", "_", "_7.1", "_x", "__7"])
async def test_a_page_of_another_version_gets_the_file_but_must_revalidate(folder: Path, marker: str) -> None:
    response = await get(folder, f"{marker}/js/a.js", version="7", max_age=60)
    assert response.body == b"script"
    assert response.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(("max_age", "cache_control"), [(0, "no-cache"), (60, "public, max-age=60")])
async def test_without_a_version_in_its_url_it_is_an_ordinary_file(
    folder: Path, max_age: int, cache_control: str
) -> None:
    response = await get(folder, "js/a.js", version="7", max_age=max_age)
    assert response.body == b"script"
    assert response.headers["cache-control"] == cache_control


@pytest.mark.parametrize(
    ("filename", "version", "content", "cache_control"),
    [
        ("_vendor/b.js", None, b"vendor", "no-cache"),
        ("_vendor/b.js", "7", b"vendor", "no-cache"),
        ("_7/_vendor/b.js", "7", b"vendor", FOR_GOOD),
        ("_6/_vendor/b.js", "7", b"vendor", "no-cache"),
        ("_7/c.js", "7", b"in a folder of this name", "no-cache"),
        ("_7/_7/c.js", "7", b"in a folder of this name", FOR_GOOD),
        ("_7/c.js", None, b"in a folder of this name", "no-cache"),
    ],
)
async def test_a_folder_may_begin_with_the_mark_of_versions(
    folder: Path, filename: str, version: str | None, content: bytes, cache_control: str
) -> None:
    response = await get(folder, filename, version=version)
    assert response.body == content
    assert response.headers["cache-control"] == cache_control


async def test_a_compressed_form_has_the_version_of_its_file(folder: Path) -> None:
    response = await get(folder, "_7/js/a.js", version="7", accept_encoding="gzip")
    assert response.body == b"compressed"
    assert response.headers["cache-control"] == FOR_GOOD


@pytest.mark.parametrize(
    ("filename", "version"),
    [
        ("_7/js/a.js", None),
        ("_7/missing.js", "7"),
        ("_6/missing.js", "7"),
        ("_7", "7"),
        ("_7/", "7"),
        ("_7/_7/js/a.js", "7"),
        ("_7/_6/js/a.js", "7"),
        ("7/js/a.js", "7"),
        ("js/_7/a.js", "7"),
        ("_7/../secret.txt", "7"),
        ("_6/../secret.txt", "7"),
        ("_7/js/../js/a.js", "7"),
        ("_7//etc/passwd", "7"),
        ("_7/..\\secret.txt", "7"),
        ("_7/js/a.js\0", "7"),
        ("_../secret.txt", "."),
        ("_./../secret.txt", "."),
    ],
)
async def test_anything_but_a_file_is_404(folder: Path, filename: str, version: str | None) -> None:
    with pytest.raises(HTTPException) as caught:
        await get(folder, filename, version=version)
    assert (caught.value.status, caught.value.body, caught.value.headers) == (404, "", {})
