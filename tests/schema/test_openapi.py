from __future__ import annotations

import json
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from emmett import App
from emmett.schema import About, Description, openapi_document
from tests.schema.applications import make_app


@pytest.fixture
def document() -> dict[str, Any]:
    return make_app().openapi()


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_the_document_is_the_same_each_time(document: dict[str, Any]) -> None:
    assert json.dumps(make_app().openapi()) == json.dumps(document)


def test_a_request_route_is_an_operation(document: dict[str, Any]) -> None:
    item = document["paths"]["/posts/{day}/{name}.html"]
    # HEAD is GET without a body.
    assert list(item) == ["get", "post"]
    assert item["get"]["summary"] == "Show a post."
    assert item["get"]["description"] == "Show a post.\n\nIt is written in Markdown."
    assert (item["get"]["operationId"], item["post"]["operationId"]) == ("post.get", "post.post")
    assert item["get"]["parameters"][0] == {
        "name": "day",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "format": "date"},
    }
    assert {status: each["description"] for status, each in item["get"]["responses"].items()} == {
        "200": "The result.",
        "404": "Nothing is there: a part of the path is not what its variable takes.\n\nThere is none.",
        "410": "It is gone.",
    }


def test_modules_hosts_and_security_are_described(document: dict[str, Any]) -> None:
    item = document["paths"]["/admin"]
    assert item["servers"] == [{"url": "//admin.example"}]
    assert item["get"]["tags"] == ["admin"]
    assert item["get"]["security"] == [{"KeyPipe": []}]
    assert document["components"]["securitySchemes"] == {"KeyPipe": {"type": "apiKey", "in": "header", "name": "X-Key"}}


def test_the_application_is_described() -> None:
    about = About(title="Shop", version="2", description="Sells.", servers=("https://example.com/shop",))
    document = openapi_document(Description(about=about))
    assert document == {
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "2", "description": "Sells."},
        "servers": [{"url": "https://example.com/shop"}],
        "paths": {},
    }
    assert [*OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_a_route_may_be_for_head_alone_and_a_path_may_have_several_operations() -> None:
    app = App(__name__)

    @app.route("/a", methods="head")
    async def look() -> None:
        pass

    @app.route("/a", name="write", methods="put")
    async def write() -> None:
        pass

    assert {method: each["operationId"] for method, each in app.openapi()["paths"]["/a"].items()} == {
        "head": "look",
        "put": "write",
    }
