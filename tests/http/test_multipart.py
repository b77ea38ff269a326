"""Valid forms, and slightly invalid ones that clients send."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.errors import RequestError, UsageError
from emmett.http import Body, UploadedFile
from emmett.http.multipart import MultipartForm, safe_filename
from tests.http.builders import FORM_TYPE, form, make_body, part, reader_of


async def read_form(*chunks: bytes, max_fields: int = 1000, max_memory: int = 1 << 20) -> MultipartForm:
    result = MultipartForm(make_body(*chunks), FORM_TYPE, max_fields=max_fields, max_memory=max_memory)
    await result.read()
    return result


async def one_file(*parts: bytes) -> UploadedFile:
    files = (await read_form(form(*parts))).files
    (file,) = files.values()
    assert isinstance(file, UploadedFile)
    return file


async def summary(result: MultipartForm) -> tuple[dict[str, Any], list[tuple[str, str, str, bytes]]]:
    """Everything in a form."""
    files = []
    for name, value in result.files.items():
        for file in value if isinstance(value, list) else [value]:
            files.append((name, file.filename, file.content_type, await file.read()))
    return dict(result.fields), files


async def test_fields_and_files_are_read() -> None:
    result = await read_form(
        form(
            part("title", b"Summer"),
            part("tag", b"sea"),
            part("photo", b"\x89PNG\r\n\x00", "Content-Type: image/PNG; x=y", filename="beach.png"),
            part("tag", "Küste".encode()),
            part("blank"),
        )
    )
    assert result.fields == {"title": "Summer", "tag": ["sea", "Küste"], "blank": ""}
    assert result.fields.missing is None
    photo = result.files.photo
    assert isinstance(photo, UploadedFile)
    assert (photo.filename, photo.content_type, photo.size) == ("beach.png", "image/png", 7)
    assert await photo.read() == b"\x89PNG\r\n\x00"
    assert photo.headers["content-type"] == "image/PNG; x=y"
    assert photo.headers["Content-Disposition"] == 'form-data; name="photo"; filename="beach.png"'
    assert repr(photo) == "<UploadedFile 'beach.png', 7 bytes of image/png>"


async def test_forms_of_common_clients_are_read() -> None:
    upload = ("Überblick 1.txt", b"content\r\n" * 1000, "text/plain")
    by_httpx = httpx.Request("POST", "http://x/", data={"title": "Été", "tag": ["a", "b"]}, files={"file": upload})
    writer = aiohttp.FormData({"title": "Été"}, default_to_multipart=True, quote_fields=False)
    writer.add_field("tag", "a")
    writer.add_field("tag", "b", content_type="text/plain; charset=utf-8")
    writer.add_field("file", upload[1], filename=upload[0], content_type=upload[2])
    by_aiohttp = writer()
    for content_type, content in (
        (by_httpx.headers["content-type"], by_httpx.read()),
        (by_aiohttp.headers["content-type"], await by_aiohttp.as_bytes()),
    ):
        result = MultipartForm(make_body(content), content_type, max_fields=4, max_memory=10_000)
        await result.read()
        assert await summary(result) == (
            {"title": "Été", "tag": ["a", "b"]},
            [("file", "Überblick 1.txt", "text/plain", upload[1])],
        )


async def test_anything_before_the_first_delimiter_is_ignored() -> None:
    for preamble in (b"\r\n", b"This is a form.\r\n", b"--=-x-\r\n\r\n"):
        body = preamble + form(part("a", b"1"))
        for chunks in ([body], [body[place : place + 1] for place in range(len(body))]):
            assert (await read_form(*chunks)).fields == {"a": "1"}


async def test_spaces_after_a_delimiter_are_ignored() -> None:
    content = b"1\r\n--=-x- \r\n2\r"
    body = form(part("a", content), part("b", b"3")).replace(b"--=-x-=\r\n", b"--=-x-= \t \r\n") + b" \t"
    for chunks in ([body], [body[place : place + 1] for place in range(len(body))]):
        assert (await read_form(*chunks)).fields == {"a": content.decode(), "b": "3"}


@pytest.mark.parametrize("media_type", ["application/octet-stream", "image/png", "application/zip"])
async def test_a_part_of_bytes_without_a_file_name_is_a_file(media_type: str) -> None:
    content = b"\x89PNG\xff\xfe\x00"
    file = await one_file(part("data", content, f"Content-Type: {media_type}"))
    assert (file.filename, file.content_type, await file.read()) == ("", media_type, content)
    empty = await one_file(part("data", b"", f"Content-Type: {media_type}"))
    assert (empty.filename, empty.size) == ("", 0)


@pytest.mark.parametrize(
    "media_type", ["text/plain", "text/csv; header=present", "application/json", "application/ld+json", "image/svg+xml"]
)
async def test_a_part_of_text_without_a_file_name_is_a_field(media_type: str) -> None:
    result = await read_form(form(part("data", b"{}", f"Content-Type: {media_type}")))
    assert (result.fields, result.files) == ({"data": "{}"}, {})


async def test_fields_may_have_the_names_of_methods() -> None:
    result = await read_form(form(part("get", b"1"), part("items", b"2"), part("get", b"3")))
    assert [getattr(result.fields, name) for name in ("get", "items")] == [["1", "3"], "2"]


async def test_repeated_files_are_a_list() -> None:
    names = ("a.txt", "b.txt", "c.txt")
    result = await read_form(form(*(part("files", name.encode(), filename=name) for name in names)))
    files = result.files.files
    assert isinstance(files, list)
    assert [(file.filename, await file.read()) for file in files] == [(name, name.encode()) for name in names]


async def test_a_part_with_a_file_name_is_a_file() -> None:
    result = await read_form(
        form(
            part("json", b"{}", "Content-Type: application/json"),
            part("blob", b"{}", "Content-Type: application/json", filename="blob"),
            part("untyped", b"x", filename="x"),
            part("empty", b"", filename="empty.txt"),
        )
    )
    assert await summary(result) == (
        {"json": "{}"},
        [
            ("blob", "blob", "application/json", b"{}"),
            ("untyped", "x", "application/octet-stream", b"x"),
            ("empty", "empty.txt", "application/octet-stream", b""),
        ],
    )


async def test_an_empty_file_input_is_left_out() -> None:
    nothing = part("photo", b"", "Content-Type: application/octet-stream", filename="")
    result = await read_form(form(nothing, part("title", b"x")))
    assert await summary(result) == ({"title": "x"}, [])
    # An input without a name but with content is a file.
    assert (await one_file(part("photo", b"content", filename=""))).size == 7


@pytest.mark.parametrize("body", [b"", form(), b"--=-x-=--", b"\r\n" + form()])
async def test_a_form_may_have_no_fields(body: bytes) -> None:
    assert await summary(await read_form(*([body] if body else []))) == ({}, [])


@pytest.mark.parametrize("behind", [b"", b"\r\n", b"\r\nepilogue", b"--=-x-=\r\n"])
async def test_anything_after_the_final_delimiter_is_ignored(behind: bytes) -> None:
    body = form(part("a", b"1")).removesuffix(b"\r\n")
    for chunks in ([body + behind], [body, behind] if behind else [body]):
        assert (await read_form(*chunks)).fields == {"a": "1"}


async def test_the_whole_body_is_read() -> None:
    body = make_body(form(part("a", b"1")), b"more", b"and more", max_size=1000)
    await MultipartForm(body, FORM_TYPE, max_fields=10, max_memory=1000).read()
    with pytest.raises(RequestError):
        await MultipartForm(
            make_body(form(part("a", b"1")), b"x" * 1000, max_size=1000), FORM_TYPE, max_fields=10, max_memory=1000
        ).read()


async def test_content_may_look_like_a_delimiter() -> None:
    for content in (b"\r\n--=-x", b"--=-x-=", b"\r\n--=-x-", b"\n--=-x-=\r\n", b"\r\n\r\n--", b"\r" * 100):
        result = await read_form(form(part("field", content), part("file", content, filename="f")))
        assert await summary(result) == (
            {"field": content.decode()},
            [("file", "f", "application/octet-stream", content)],
        )


@pytest.mark.parametrize(
    ("content_type", "charset", "content", "text"),
    [
        ("", "", "é€".encode(), "é€"),
        ("text/plain; charset=UTF-8", "", "é€".encode(), "é€"),
        ("text/plain; charset=windows-1252", "", "é€".encode("windows-1252"), "é€"),
        ('text/plain; charset="ISO-8859-1"', "", b"\xe9", "é"),
        ("", "shift_jis", "日本".encode("shift_jis"), "日本"),
        ("text/plain; charset=utf-8", "shift_jis", "日本".encode(), "日本"),
        ("", "UTF-8", b"\xff", "\ufffd"),
    ],
)
async def test_text_is_decoded_with_its_charset(content_type: str, charset: str, content: bytes, text: str) -> None:
    fields = [f"Content-Type: {content_type}"] if content_type else []
    # Its place in the form does not matter.
    result = await read_form(form(part("text", content, *fields), part("_charset_", charset.encode())))
    assert result.fields["text"] == text


async def test_names_are_in_the_charset_of_the_form() -> None:
    disposition = 'Content-Disposition: form-data; name="été"; filename="où.txt"\r\n\r\n'
    for charset in ("utf-8", "windows-1252"):
        body = form(disposition.encode(charset) + b"x", part("_charset_", charset.encode()))
        result = await read_form(body)
        assert [(name, file.filename) for name, file in result.files.items() if isinstance(file, UploadedFile)] == [
            ("été", "où.txt")
        ]


@pytest.mark.parametrize("encoding", ["7bit", "8BIT", "binary"])
async def test_transfer_encodings_without_effect_are_accepted(encoding: str) -> None:
    result = await read_form(form(part("a", b"x=41", f"Content-Transfer-Encoding: {encoding}")))
    assert result.fields == {"a": "x=41"}


@pytest.mark.parametrize(
    ("disposition", "filename"),
    [
        # As browsers write it (WHATWG HTML, 4.10.21.8).
        ('filename="a%22b.txt"', 'a"b.txt'),
        ('filename="a%0D%0Ab.txt"', "ab.txt"),
        ('filename="100%25.txt"', "100%25.txt"),
        ('filename="a;b=c.txt"', "a;b=c.txt"),
        ('filename="☃.txt"', "☃.txt"),
        # As other clients write it.
        ("filename=plain.txt", "plain.txt"),
        ('filename="a\\"b.txt"', 'a"b.txt'),
        ("filename*=UTF-8''%e2%98%83%20.txt", "☃ .txt"),
        ("filename=\"_.txt\"; filename*=utf-8'de'%C3%BC.txt", "ü.txt"),
        ("filename*=iso-8859-1''%FC.txt; filename=\"_.txt\"", "ü.txt"),
        ("filename=\"x.txt; filename*=UTF-8''evil\"", "x.txt; filename*=UTF-8''evil"),
        ("filename=\"x.txt\"; filename*=UTF-7''evil", "x.txt"),
        ('filename="x.txt"; filename*=evil', "x.txt"),
        ("filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", "passwd"),
    ],
)
async def test_file_names_are_decoded(disposition: str, filename: str) -> None:
    head = f'Content-Disposition: form-data; name="f"; {disposition}\r\n\r\n'.encode()
    assert (await one_file(head + b"x")).filename == filename


@pytest.mark.parametrize(
    ("sent", "safe"),
    [
        ("photo.jpg", "photo.jpg"),
        ("a b (1).tar.gz", "a b (1).tar.gz"),
        (".htaccess", ".htaccess"),
        ("..hidden", "..hidden"),
        ("/etc/passwd", "passwd"),
        ("../../x.txt", "x.txt"),
        ("C:\\Users\\me\\x.txt", "x.txt"),
        ("C:x.txt", "x.txt"),
        ("C:D:x.txt", "x.txt"),
        ("12:30.txt", "12:30.txt"),
        ("a/b\\c", "c"),
        ("a\\b/c", "c"),
        ("x\x00.txt\x00.exe", "x.txt.exe"),
        ("\x1b[2Jx\x7f\x85\n", "[2Jx"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        (" x.txt ", "x.txt"),
        ("", ""),
        (".", ""),
        ("..", ""),
        (" .. ", ""),
        (".\u202e.", ""),
        ("C:..", ""),
        ("x/", ""),
        ("x/..", ""),
        ("a" * 300 + ".jpg", "a" * 251 + ".jpg"),
        ("a" * 300, "a" * 255),
        ("." + "a" * 300, "." + "a" * 254),
        ("a" * 300 + "." + "b" * 300, "a" * 255),
        ("€" * 100 + ".txt", "€" * 83 + ".txt"),
    ],
)
def test_safe_filename_removes_paths_and_control_characters(sent: str, safe: str) -> None:
    assert safe_filename(sent) == safe


@given(st.text() | st.text(alphabet="./\\: \x00\u202eC", max_size=10))
def test_any_file_name_is_made_safe(sent: str) -> None:
    safe = safe_filename(sent)
    assert safe not in (".", "..")
    assert not set(safe) & set("/\\\x00\r\n\x1b")
    assert len(safe.encode()) <= 255


async def test_a_form_is_read_once_for_any_number_of_tasks() -> None:
    arriving: asyncio.Queue[bytes] = asyncio.Queue()
    result = MultipartForm(Body(arriving.get, max_size=1000), FORM_TYPE, max_fields=10, max_memory=1000)
    readers = [asyncio.create_task(result.read()) for _ in range(3)]
    body = form(part("a", b"1"), part("f", b"2", filename="f"))
    for chunk in (body[:50], body[50:], b""):
        arriving.put_nowait(chunk)
    await asyncio.gather(*readers)
    fields, files = result.fields, result.files
    await result.read()
    assert result.fields is fields
    assert result.files is files
    assert fields == {"a": "1"}


async def test_after_a_cancelled_reader_the_next_reads_the_form() -> None:
    arriving: asyncio.Queue[bytes] = asyncio.Queue()
    taken = asyncio.Event()

    async def read() -> bytes:
        if arriving.empty():
            taken.set()
        return await arriving.get()

    result = MultipartForm(Body(read, max_size=1000), FORM_TYPE, max_fields=10, max_memory=1000)
    body = form(part("a", b"1"), part("f", b"2", filename="f"))
    first, second = (asyncio.create_task(result.read()) for _ in range(2))
    arriving.put_nowait(body[:70])
    await taken.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    arriving.put_nowait(body[70:])
    arriving.put_nowait(b"")
    await second
    assert await summary(result) == ({"a": "1"}, [("f", "f", "application/octet-stream", b"2")])


async def test_a_streamed_body_has_no_form() -> None:
    body = make_body(form())
    assert [chunk async for chunk in body]
    with pytest.raises(UsageError, match="already streamed"):
        await MultipartForm(body, FORM_TYPE, max_fields=10, max_memory=10).read()


async def test_a_closed_form_cannot_be_read() -> None:
    result = MultipartForm(make_body(form()), FORM_TYPE, max_fields=10, max_memory=10)
    await result.aclose()
    await result.aclose()
    with pytest.raises(UsageError, match="answered"):
        await result.read()


_names = st.text(alphabet="abc é☃;=", min_size=1, max_size=8)
_contents = st.binary(max_size=60) | st.text(alphabet="\r\n-=x", max_size=40).map(str.encode)


def expected_of(parts: list[tuple[str, bytes, str | None]]) -> tuple[dict[str, Any], list[tuple[str, str, str, bytes]]]:
    """The expected content of a form of these parts: name, content, file name."""
    values: dict[str, list[str]] = {}
    files: dict[str, list[tuple[str, str, str, bytes]]] = {}
    for name, content, filename in parts:
        if filename is None:
            values.setdefault(name, []).append(content.decode("utf-8", "replace"))
        else:
            file = (name, safe_filename(filename), "application/octet-stream", content)
            files.setdefault(name, []).append(file)
    fields = {name: several if len(several) > 1 else several[0] for name, several in values.items()}
    return fields, [file for several in files.values() for file in several]


@given(
    parts=st.lists(st.tuples(_names, _contents, st.none() | _names), max_size=6),
    cuts=st.lists(st.integers(min_value=1, max_value=600), max_size=40),
    step=st.none() | st.integers(min_value=1, max_value=5),
    max_memory=st.sampled_from([100, 2000]),
)
async def test_the_result_does_not_depend_on_the_chunks(
    parts: list[tuple[str, bytes, str | None]], cuts: list[int], step: int | None, max_memory: int
) -> None:
    # Content cannot contain the boundary.
    parts = [each for each in parts if b"\r\n--=-x-=" not in b"\r\n" + each[1]]
    body = form(*(part(name, content, filename=filename) for name, content, filename in parts))
    places = sorted({place for place in cuts if place < len(body)}) if step is None else [*range(step, len(body), step)]
    chunks = [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]
    text = sum(len(name.encode()) + len(content) for name, content, filename in parts if filename is None)
    result = MultipartForm(Body(reader_of(*chunks), max_size=10_000), FORM_TYPE, max_fields=10, max_memory=max_memory)
    try:
        if text <= max_memory:
            await result.read()
            assert await summary(result) == expected_of(parts)
        else:
            with pytest.raises(RequestError, match="larger than the 100 bytes"):
                await result.read()
    finally:
        await result.aclose()
