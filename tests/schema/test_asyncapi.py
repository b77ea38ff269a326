from __future__ import annotations

import json
from typing import Any

import pytest

from emmett.schema import About, Description, asyncapi_document
from tests.schema.applications import make_app, read_asyncapi


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return make_app().asyncapi()


def with_servers() -> dict[str, Any]:
    urls = ("https://example.com/app", "ws://localhost:8000")
    return asyncapi_document(Description(about=About(title="Shop", servers=urls)))


@pytest.fixture(scope="module")
def readings(document: dict[str, Any]) -> dict[str, Any]:
    """Return the results of the official parser for three documents, in one run."""
    broken = json.loads(json.dumps(document))
    broken["operations"]["calls.say"]["messages"] = [{"$ref": "#/components/messages/calls.say.call"}]
    return dict(zip(("whole", "broken", "servers"), read_asyncapi(document, broken, with_servers()), strict=True))


@pytest.mark.needs("asyncapi")
def test_the_official_parser_accepts_the_documents(readings: dict[str, Any]) -> None:
    found = readings["whole"]
    assert (found["faults"], found["is_valid"]) == ([], True)
    assert found["operations"]["calls.say"] == ["receive", "calls.say.call"]
    assert found["operations"]["calls.said.emit"] == ["send", "calls.said.emitted"]
    assert found["operations"]["chat.receive"] == ["receive", "chat.receive.Say", "chat.receive.text"]


@pytest.mark.needs("asyncapi")
def test_the_official_parser_finds_faults(readings: dict[str, Any]) -> None:
    found = readings["broken"]
    assert not found["is_valid"]
    assert any("calls.say" in fault for fault in found["faults"])


def test_the_document_is_the_same_each_time(document: dict[str, Any]) -> None:
    assert json.dumps(make_app().asyncapi()) == json.dumps(document)


def test_no_schema_has_a_discriminator(document: dict[str, Any]) -> None:
    assert document["asyncapi"] == "3.0.0"
    assert "discriminator" not in json.dumps(document)
    assert "discriminator" in json.dumps([method.params for method in make_app().describe().calls[0].methods])


def test_websockets_are_described(document: dict[str, Any]) -> None:
    assert document["channels"]["chat"]["address"] == "/chat"
    assert document["channels"]["chat_2"]["parameters"] == {"number": {"description": "A value of the type integer."}}
    assert document["channels"]["plain"]["messages"] == {}
    assert document["operations"]["chat.send"]["action"] == "send"
    assert document["components"]["messages"]["chat.receive.text"]["contentType"] == "text/plain"


def test_security_is_described(document: dict[str, Any]) -> None:
    assert document["operations"]["calls.say"]["security"] == [
        {"$ref": "#/components/securitySchemes/TokenPipe"},
        {"$ref": "#/components/securitySchemes/KeyPipe"},
    ]
    assert document["components"]["securitySchemes"] == {
        "KeyPipe": {"type": "httpApiKey", "in": "header", "name": "X-Key"},
        "TokenPipe": {"type": "http", "scheme": "bearer"},
    }


@pytest.mark.needs("asyncapi")
def test_servers_are_described(readings: dict[str, Any]) -> None:
    assert with_servers()["servers"] == {
        "server1": {"host": "example.com", "protocol": "wss", "pathname": "/app"},
        "server2": {"host": "localhost:8000", "protocol": "ws"},
    }
    assert readings["servers"]["faults"] == []
