"""Forms that break RFC 7578, are too large, or are hostile (reliability: HTTP 76)."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.errors import RequestError
from emmett.http.multipart import MAX_PART_FIELDS, MAX_PART_HEAD, MultipartForm
from tests.http.builders import FORM_TYPE, form, make_body, part
from tests.work import check_linear


async def refused(
    *chunks: bytes,
    content_type: str = FORM_TYPE,
    max_fields: int = 1000,
    max_memory: int = 1 << 20,
    max_size: int = 1 << 24,
) -> RequestError:
    with pytest.raises(RequestError) as caught:
        await MultipartForm(
            make_body(*chunks, max_size=max_size), content_type, max_fields=max_fields, max_memory=max_memory
        ).read()
    assert len(caught.value.message) < 300
    return caught.value


async def status_of(form: MultipartForm) -> int:
    """Return the result of reading a form; it may raise nothing but a `RequestError`."""
    try:
        await form.read()
    except RequestError as error:
        return error.status
    finally:
        await form.aclose()
    return 200


@pytest.mark.parametrize(
    "content_type", ["multipart/mixed; boundary=x", "multipart/", "multipart/form-data2", "multipart/related"]
)
async def test_other_multipart_types_are_415(content_type: str) -> None:
    error = await refused(content_type=content_type)
    assert (error.status, error.headers["Accept"].split(", ")[0]) == (415, "multipart/form-data")
    assert repr(content_type.split(";")[0]) in error.message


@pytest.mark.parametrize(
    "parameters",
    [
        "",
        "; boundary=",
        '; boundary=""',
        "; boundary=" + "x" * 71,
        '; boundary="a\x0bb"',
        '; boundary="x "',
        "; boundary=é",
        "; charset=utf-8",
    ],
)
async def test_an_invalid_boundary_is_400(parameters: str) -> None:
    error = await refused(form(), content_type="multipart/form-data" + parameters)
    assert error.status == 400
    assert "needs a boundary of 1 to 70 characters" in error.message


async def test_the_longest_boundary_is_accepted() -> None:
    boundary = "x" * 70
    body = make_body(f"--{boundary}\r\n".encode() + part("a", b"1") + f"\r\n--{boundary}--".encode())
    result = MultipartForm(body, f"multipart/form-data; boundary={boundary}", max_fields=1, max_memory=100)
    await result.read()
    assert result.fields == {"a": "1"}


@pytest.mark.parametrize("length", range(1, len(form(part("a", b"1"))) - 2))
async def test_a_form_that_ends_early_is_400(length: int) -> None:
    error = await refused(form(part("a", b"1"))[:length])
    assert error.status == 400
    assert "without its final delimiter" in error.message


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"a=1&b=2&c=3", "no line of it begins with its boundary"),
        (b"preamble--=-x-=--", "no line of it begins with its boundary"),
        (b"--=-x-=\n" + part("a"), "line break after first boundary"),
        (b"--=-x-=x\r\n" + part("a"), "byte after first boundary"),
        (b"--=-x-= x\r\n" + part("a"), "byte after first boundary"),
        (b"--=-x-= --", "byte after first boundary"),
        (form(part("a", b"\r\n--=-x-= \tx")), "bytes after boundary"),
        (form(part("a", b"\r\n--=-x-=x")), "bytes after boundary"),
        (form(b"\r\n1"), "Missing Content-Disposition"),
        (form(b"Content-Type: text/plain\r\n\r\n1"), "Missing Content-Disposition"),
        (form(b"Content-Disposition: attachment; name=a\r\n\r\n1"), "Wrong type"),
        (form(b"Content-Disposition: form-data\r\n\r\n1"), "Missing name"),
        (form(b"Content-Disposition form-data\r\n\r\n1"), "Malformed"),
        (form(b"Content Disposition: form-data; name=a\r\n\r\n1"), "header name"),
        (form(part("a", b"1", "Content-Disposition: form-data; name=b")), "repeats a header field"),
        (form(part("a", b"1", "X: 1", "x: 2")), "repeats a header field"),
        (form(part("a", b"1", "X: 1", " folded")), "continuation"),
        (form(part("a", b"1", "X: 1\n")), "control character"),
        (form(part("a", b"1", "X: 1\rY: 2")), "control character"),
        (form(part("a\x00", b"1")), "control character"),
        (form(part("a", b"1", "Content-Length: 2")), "Content-Length"),
        (form(part("a", b"12", "Content-Length: 1")), "Content-Length"),
        (form(part("a", b"1", "Content-Length: " + "9" * 4000)), "Content-Length"),
        (form(part("a", b"1", "Content-Transfer-Encoding: base64")), "must be 7bit, 8bit or binary"),
        (form(part("a", b"1", "Content-Transfer-Encoding: quoted-printable")), "must be 7bit, 8bit or binary"),
    ],
    ids=lambda value: repr(value)[-40:] if isinstance(value, bytes) else "",
)
async def test_broken_forms_are_400(body: bytes, what: str) -> None:
    error = await refused(body)
    assert error.status == 400
    assert what in error.message
    # In single bytes it is just as broken.
    assert (await refused(*(body[place : place + 1] for place in range(len(body))))).status == 400


@pytest.mark.parametrize(
    "charset", ["idna", "punycode", "unicode_escape", "utf-7", "zip", "rot13", "undefined", "no-such", "\xff"]
)
async def test_unsupported_charsets_are_400(charset: str) -> None:
    for body in (
        form(part("_charset_", charset.encode("latin-1")), part("a", b"1")),
        form(part("a", b"1", f'Content-Type: text/plain; charset="{charset}"')),
    ):
        error = await refused(body)
        assert error.status == 400
        assert "is unknown: send UTF-8" in error.message


async def test_10_000_parts_are_413() -> None:
    error = await refused(form(*[part("a")] * 10_000))
    assert error.status == 413
    assert "more than the 1000 fields allowed" in error.message


async def test_fields_files_and_empty_inputs_count() -> None:
    parts = [part("a", b"1"), part("b", b"1", filename="b"), part("c", b"", filename="")]
    await MultipartForm(make_body(form(*parts)), FORM_TYPE, max_fields=3, max_memory=100).read()
    assert (await refused(form(*parts), max_fields=2)).status == 413


async def test_text_over_the_memory_limit_of_a_form_is_413() -> None:
    fits = form(part("ab", b"x" * 49), part("cd", b"x" * 47))
    await MultipartForm(make_body(fits), FORM_TYPE, max_fields=10, max_memory=100).read()
    error = await refused(form(part("ab", b"x" * 50), part("cd", b"x" * 47)), max_memory=100)
    assert error.status == 413
    assert "larger than the 100 bytes allowed" in error.message
    # Long names are text too.
    assert (await refused(form(part("a" * 101)), max_memory=100)).status == 413


async def test_a_form_over_the_size_of_a_body_is_413() -> None:
    body = form(part("f", b"x" * 1000, filename="f"))
    await MultipartForm(make_body(body, max_size=len(body)), FORM_TYPE, max_fields=1, max_memory=2000).read()
    assert (await refused(body, max_size=len(body) - 1)).status == 413
    assert (await refused(body[:500], body[500:], max_size=len(body) - 1)).status == 413


async def test_heads_of_parts_are_bounded() -> None:
    few = [f"X-{number}: 1" for number in range(MAX_PART_FIELDS - 1)]
    long = "X: " + "x" * (MAX_PART_HEAD - 100)
    for fields in (few, [long]):
        await MultipartForm(make_body(form(part("a", b"1", *fields))), FORM_TYPE, max_fields=1, max_memory=100).read()
    for fields in ([*few, "Y: 1"], [long, "Y: " + "y" * 100], ["X: " + "x" * 10_000]):
        error = await refused(form(part("a", b"1", *fields)))
        assert error.status == 413
        assert "8 header fields" in error.message


async def test_a_broken_form_raises_the_same_error_for_every_reader() -> None:
    result = MultipartForm(make_body(form(part("a"))[:20]), FORM_TYPE, max_fields=1, max_memory=100)
    for _ in range(2):
        with pytest.raises(RequestError, match="final delimiter"):
            await result.read()


@pytest.mark.parametrize(
    "unit",
    [
        b"\r",
        b"\n",
        b"\r\n",
        b"-",
        b"\r\n--=-x-",
        b"\r\n--=-x-=\r\n",
        b";",
        b'"',
        b'"\\',
        b"=",
        b"; a=",
        b" ",
        b"\x00",
        b'; filename*="',
    ],
)
def test_hostile_forms_take_linear_time(unit: bytes) -> None:
    async def read(size: int) -> None:
        flood = unit * (size // len(unit))
        for body in (
            flood,
            form(part("a", flood)),
            form(part("a", flood, filename="a")),
            form(part(flood.decode(), b"1")),
            form(*[b"Content-Disposition: form-data; name=a" + flood[:4000] + b"\r\n\r\n1"] * (size // 5000)),
        ):
            for pieces in ([body], [body[place : place + 1000] for place in range(0, len(body), 1000)]):
                limits = {"max_fields": 1000, "max_memory": 1 << 21}
                result = MultipartForm(make_body(*pieces, max_size=1 << 22), FORM_TYPE, **limits)
                assert await status_of(result) in {200, 400, 413}

    check_linear(lambda size: asyncio.run(read(size)), 1 << 20)


_pieces = st.sampled_from(
    [
        *(
            b"\r\n",
            b"\r",
            b"\n",
            b"--",
            b"--=-x-=",
            b"\r\n--=-x-=\r\n",
            b"\r\n--=-x-=--",
            b":",
            b";",
            b'"',
            b"\x00",
            b"\xff",
        ),
        *(
            b'Content-Disposition: form-data; name="a"',
            b"; filename=",
            b"; filename*=UTF-8''%ff",
            b"; name*=x",
            b"\r\n\r\n",
        ),
        *(b"Content-Type: text/plain; charset=", b"utf-8", b"idna", b"Content-Length: 1", b"_charset_", b"shift_jis"),
    ]
)


@given(
    start=st.sampled_from(
        [b"", b"--=-x-=\r\n", form(part("a", b"1"), part("_charset_", b"utf-8"), part("f", b"x", filename="f"))]
    ),
    edits=st.lists(st.tuples(st.integers(0, 250), st.integers(0, 4), _pieces | st.binary(max_size=4)), max_size=12),
    size=st.integers(1, 300),
)
async def test_any_body_is_a_form_or_a_request_error(
    start: bytes, edits: list[tuple[int, int, bytes]], size: int
) -> None:
    body = bytearray(start)
    for place, deleted, inserted in edits:
        body[place : place + deleted] = inserted
    chunks = [bytes(body[place : place + size]) for place in range(0, len(body), size)]
    result = MultipartForm(make_body(*chunks), FORM_TYPE, max_fields=3, max_memory=100)
    assert await status_of(result) in (200, 400, 413)
