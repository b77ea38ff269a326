"""The error tree: the parent of each class, the attributes of errors, and their text."""

from __future__ import annotations

import copy
import inspect
import pickle
import re

import pytest

from emmett import errors
from emmett.errors import (
    ConfigurationError,
    EmmettError,
    FrameError,
    HandshakeError,
    HTTPException,
    MessageError,
    PeerError,
    RequestError,
    UsageError,
    WebsocketClosed,
)

CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if inspect.isclass(value) and value.__module__ == errors.__name__ and issubclass(value, BaseException)
}

EXAMPLES: list[EmmettError] = [
    ConfigurationError("a path must start with '/'"),
    UsageError("no request is being handled"),
    HTTPException(404, b"nothing here", {"x-page": "missing"}),
    WebsocketClosed(1001, "going away"),
    RequestError(405, "POST is not allowed", {"allow": "GET, HEAD"}),
    HandshakeError(426, "version 13 is supported", {"sec-websocket-version": "13"}),
    MessageError(1003, "binary messages are not taken"),
    FrameError(1002, "a control frame must not be fragmented"),
]


def drawn_parents() -> dict[str, str | None]:
    """Read the tree in the docstring of the module: each class and its parent."""
    parents: dict[str, str | None] = {}
    branch: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r" {4}([│├└─ ]*)([A-Z]\w+)\b", line)
        if match:
            depth = len(match[1]) // 4
            del branch[depth:]
            parents[match[2]] = branch[-1] if branch else None
            branch.append(match[2])
    return parents


def test_the_docstring_draws_the_actual_tree() -> None:
    bases = {name: kind.__bases__[0].__name__ for name, kind in CLASSES.items()}
    assert drawn_parents() == {**bases, "EmmettError": None}


def test_emmett_error_catches_every_error() -> None:
    assert all(issubclass(kind, EmmettError) for kind in CLASSES.values())


def test_mistakes_of_the_application_are_not_faults_of_the_peer() -> None:
    of_the_peer = {name for name, kind in CLASSES.items() if issubclass(kind, PeerError)}
    assert of_the_peer == {
        "PeerError",
        "RequestError",
        "InvalidRequest",
        "HandshakeError",
        "MessageError",
        "FrameError",
    }


def test_mistakes_of_the_application_are_also_the_matching_builtin_errors() -> None:
    assert issubclass(ConfigurationError, ValueError)
    assert issubclass(UsageError, RuntimeError)


@pytest.mark.parametrize("kind", CLASSES.values(), ids=lambda kind: kind.__name__)
def test_every_error_says_what_it_means(kind: type[EmmettError]) -> None:
    assert kind.__doc__


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: type(example).__name__)
@pytest.mark.parametrize(
    "through", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))], ids=["copy", "pickle"]
)
def test_errors_can_be_pickled(example: EmmettError, through: object) -> None:
    assert callable(through)
    other = through(example)
    assert type(other) is type(example)
    assert vars(other) == vars(example)
    assert str(other) == str(example)


def test_an_http_exception_carries_the_response() -> None:
    error = HTTPException(404, "nothing here", {"x-page": "missing"})
    assert (error.status, error.body, error.headers) == (404, "nothing here", {"x-page": "missing"})


def test_an_http_exception_may_be_a_bare_status() -> None:
    error = HTTPException(403)
    assert (error.status, error.body, error.headers) == (403, "", {})


@pytest.mark.parametrize("kind", [RequestError, HandshakeError])
def test_a_request_error_carries_the_response(kind: type[RequestError]) -> None:
    error = kind(405, "POST is not allowed", {"allow": "GET"})
    assert (error.status, error.message, error.headers) == (405, "POST is not allowed", {"allow": "GET"})
    assert kind(400, "no Host").headers == {}


@pytest.mark.parametrize("kind", [HTTPException, RequestError])
def test_each_error_has_its_own_headers(kind: type[HTTPException] | type[RequestError]) -> None:
    headers = {"allow": "GET"}
    error = kind(405, "no", headers)
    error.headers["retry-after"] = "1"
    assert headers == {"allow": "GET"}


@pytest.mark.parametrize("kind", [MessageError, FrameError, WebsocketClosed])
def test_a_close_code_and_reason_are_kept(kind: type[MessageError] | type[WebsocketClosed]) -> None:
    error = kind(1009, "too big")
    assert (error.code, error.reason) == (1009, "too big")


def test_websocket_closed_has_readable_text() -> None:
    assert str(WebsocketClosed(1001, "going away")) == "websocket closed with code 1001: going away"
    assert str(WebsocketClosed(1006)) == "websocket closed with code 1006"
