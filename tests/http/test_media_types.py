from __future__ import annotations

import pytest

from emmett.http.media_types import media_type_of


@pytest.mark.parametrize(
    ("filename", "media_type"),
    [
        ("a.html", "text/html; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("A.CSS", "text/css; charset=utf-8"),
        ("a.md", "text/markdown; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.js.map", "application/json"),
        ("a.webmanifest", "application/manifest+json"),
        ("a.svg", "image/svg+xml"),
        ("a.png", "image/png"),
        ("a.webp", "image/webp"),
        ("a.avif", "image/avif"),
        ("a.woff", "font/woff"),
        ("a.woff2", "font/woff2"),
        ("a.wasm", "application/wasm"),
        ("a.ico", "image/x-icon"),
        ("naïve é.txt", "text/plain; charset=utf-8"),
    ],
)
def test_the_suffix_determines_the_type(filename: str, media_type: str) -> None:
    assert media_type_of(filename) == media_type


@pytest.mark.parametrize(
    ("filename", "media_type"),
    [
        ("a.js.gz", "application/gzip"),
        ("a.tar.gz", "application/gzip"),
        ("a.tgz", "application/gzip"),
        ("a.js.br", "application/octet-stream"),
        ("a.txt.bz2", "application/octet-stream"),
        ("a.svgz", "application/gzip"),
    ],
)
def test_a_compressed_file_has_the_type_of_its_compression(filename: str, media_type: str) -> None:
    assert media_type_of(filename) == media_type


@pytest.mark.parametrize("filename", ["", "a", ".", ".hidden", "a.", "a.unheard-of", "a.\ud800"])
def test_unknown_suffixes_are_binary_data(filename: str) -> None:
    assert media_type_of(filename) == "application/octet-stream"


@pytest.mark.parametrize("filename", ["data:text/html,a", "data:text/html;base64,a", "http://a.html/b"])
def test_a_name_is_not_read_as_a_url(filename: str) -> None:
    assert media_type_of(filename) == "application/octet-stream"
