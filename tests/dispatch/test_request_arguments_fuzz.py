"""Random requests to typed handlers: those that the OpenAPI document allows are accepted, and none causes a 500."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emmett.dispatch import run_request
from tests.http.builders import make_request
from tests.integration.typed_requests_app import app

DOCUMENT = app.openapi()
OPERATIONS = [
    (path, method, operation) for path, item in DOCUMENT["paths"].items() for method, operation in item.items()
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def valid(schema: dict[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Return values that a schema of the document allows."""
    if "$ref" in schema:
        return valid_component(schema["$ref"].rpartition("/")[2], depth)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        # The last member ends a recursive type.
        options = schema["anyOf"] if depth < 3 else schema["anyOf"][-1:]
        return st.one_of([valid(each, depth) for each in options])
    match schema["type"]:
        case "integer":
            low, high = schema.get("minimum", -(2**40)), schema.get("exclusiveMaximum", 2**40) - 1
            return st.integers(low, high)
        case "number":
            return st.floats(allow_nan=False, allow_infinity=False)
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case "string":
            text = TEXT.filter(lambda value: "/" not in value) if "pattern" in schema else TEXT
            low, high = schema.get("minLength", 0), schema.get("maxLength", 20)
            return text.filter(lambda value: low <= len(value) <= high)
        case "array":
            return st.just([]) if depth > 2 else st.lists(valid(schema["items"], depth + 1), max_size=2)
    if "properties" not in schema:
        return st.dictionaries(TEXT, valid(schema["additionalProperties"], depth + 1), max_size=2)
    members = {name: valid(each, depth + 1) for name, each in schema["properties"].items()}
    required = set(schema.get("required", ()))
    return st.fixed_dictionaries(
        {name: each for name, each in members.items() if name in required},
        optional={name: each for name, each in members.items() if name not in required},
    )


@functools.cache
def valid_component(name: str, depth: int) -> st.SearchStrategy[Any]:
    return valid(DOCUMENT["components"]["schemas"][name], depth + 1)


async def send(path: str, method: str, query: list[tuple[str, Any]], content: bytes, content_type: str) -> Any:
    texts = [(name, json.dumps(value) if isinstance(value, (bool, float)) else value) for name, value in query]
    headers = [("content-type", content_type)] if content_type else []
    request = make_request(
        method.upper(), path, query_string=urlencode(texts, doseq=True).encode(), body=content, headers=headers
    )
    return await run_request(app.table, request)


@settings(max_examples=50)
@given(st.data())
async def test_requests_that_the_document_allows_are_accepted(data: st.DataObject) -> None:
    path, method, operation = data.draw(st.sampled_from(OPERATIONS))
    query: list[tuple[str, Any]] = []
    for parameter in operation.get("parameters", ()):
        value = data.draw(valid(parameter["schema"]))
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(value))
        elif value is not None and (parameter["required"] or data.draw(st.booleans())):
            query.append((parameter["name"], value))
    content = b""
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        content = msgspec.json.encode(data.draw(valid(schema)))
    answer = await send(path, method, query, content, "application/json")
    assert answer.status == 200, (path, method, query, content, answer.body)


class Failures(logging.Handler):
    """Raises logged errors, so that a traceback in the log fails the test."""

    def emit(self, record: logging.LogRecord) -> None:
        raise AssertionError(record.getMessage())


@pytest.fixture(scope="module", autouse=True)
def _no_failures() -> Iterator[None]:
    logger = logging.getLogger("emmett.request")
    handler = Failures(logging.ERROR)
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)


@settings(max_examples=50)
@given(st.data())
async def test_no_request_causes_a_500(data: st.DataObject) -> None:
    path, method, operation = data.draw(st.sampled_from(OPERATIONS))
    names = [parameter["name"] for parameter in operation.get("parameters", ())]
    values = TEXT | st.sampled_from(["nan", "-inf", "true", "1", "1e999", "9" * 5000, ""])
    query = data.draw(st.lists(st.tuples(st.sampled_from(names) | TEXT, values), max_size=5))
    near = st.just(None)
    if "requestBody" in operation:
        near = valid(operation["requestBody"]["content"]["application/json"]["schema"])
    whole = st.one_of(JSON.map(json.dumps), near.map(json.dumps)).map(str.encode)
    content = data.draw(st.one_of(st.binary(max_size=50), whole, whole.map(lambda text: text[:-1])))
    content_type = data.draw(st.sampled_from(["application/json", "application/json", "text/plain", "", "\xff"]))
    path = path.replace("{number}", "5").replace("{name}", "ada")
    answer = await send(path, method, query, content, content_type)
    assert answer.status in (200, 400, 415, 422)
    if answer.status != 200:
        assert answer.content_type == "application/problem+json"
        assert json.loads(answer.body)["errors"]
