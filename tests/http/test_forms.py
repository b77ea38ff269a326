from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.datastructures import sdict
from emmett.errors import RequestError
from emmett.http.forms import read_body_params
from tests.http.builders import make_body

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


async def params_of(content_type: str, content: bytes, max_fields: int = 1000) -> sdict[object]:
    return await read_body_params(make_body(content), content_type, max_fields=max_fields)


async def refused(content_type: str, content: bytes, max_fields: int = 1000) -> RequestError:
    with pytest.raises(RequestError) as caught:
        await params_of(content_type, content, max_fields)
    return caught.value


async def test_form_fields_are_parsed() -> None:
    params = await params_of(FORM, b"name=J%C3%BCrgen+K&tag=a&tag=b&blank=")
    assert params == {"name": "Jürgen K", "tag": ["a", "b"], "blank": ""}
    assert params.missing is None


@pytest.mark.parametrize("content_type", [JSON, "application/problem+json"])
async def test_a_json_object_is_parsed(content_type: str) -> None:
    params = await params_of(content_type, b'{"name": "x", "tags": ["a"], "deep": {"n": 1.5, "none": null}}')
    assert params == {"name": "x", "tags": ["a"], "deep": {"n": 1.5, "none": None}}
    assert params.missing is None


@pytest.mark.parametrize("content_type", [FORM, JSON, "text/plain", ""])
async def test_an_empty_body_has_no_params(content_type: str) -> None:
    params = await params_of(content_type, b"")
    assert params == {}
    assert params.missing is None


@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream", "application/jsonp", ""])
async def test_other_types_have_no_params(content_type: str) -> None:
    assert await params_of(content_type, b'{"a": 1}') == {}


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": 1,}',
        b'{"a": "\xff"}',
        b'{"a": "\\ud800"}',
        b'{"a": 1e999}',
        b"\xef\xbb\xbf{}",
        b"[" * 100000,
        b'{"a":' * 100000,
        b'{"a":' + b"9" * 100000 + b"}",
    ],
    ids=lambda content: repr(content[:16]),
)
async def test_invalid_json_is_400(content: bytes) -> None:
    error = await refused(JSON, content)
    assert error.status == 400
    assert "JSON" in error.message
    assert len(error.message) < 200


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"[1]", "an array"),
        (b'"x"', "a string"),
        (b"1", "a number"),
        (b"1.5", "a number"),
        (b"true", "a boolean"),
        (b"null", "null"),
    ],
)
async def test_json_that_is_no_object_is_400(content: bytes, name: str) -> None:
    error = await refused(JSON, content)
    assert error.status == 400
    assert f"must be an object, not {name}" in error.message


async def test_too_many_form_fields_are_413() -> None:
    assert len(await params_of(FORM, b"&".join(b"f%d=1" % n for n in range(1000)))) == 1000
    error = await refused(FORM, b"&".join(b"f%d=1" % n for n in range(1001)))
    assert error.status == 413
    assert "at most 1000" in error.message


async def test_repeated_and_empty_form_fields_count() -> None:
    assert (await refused(FORM, b"a=1&" * 1001)).status == 413
    assert (await refused(FORM, b"&" * 1001)).status == 413


async def test_too_many_json_members_are_413() -> None:
    error = await refused(JSON, b'{"a": 1, "b": 2, "c": 3}', max_fields=2)
    assert error.status == 413


async def test_a_body_over_its_limit_is_413() -> None:
    body = make_body(b"a=1234567890", max_size=5)
    with pytest.raises(RequestError) as caught:
        await read_body_params(body, FORM, max_fields=10)
    assert caught.value.status == 413


@given(content=st.binary() | st.text(alphabet='{}[]":,0123456789eE+-.\\utrfalsn ').map(str.encode))
async def test_any_bytes_are_params_or_a_request_error(content: bytes) -> None:
    for content_type in (FORM, JSON):
        try:
            outcome: object = type(await params_of(content_type, content))
        except RequestError as error:
            outcome = error.status
        assert outcome in (sdict, 400)
