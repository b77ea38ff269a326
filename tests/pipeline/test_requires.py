from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest

from emmett.errors import ConfigurationError, HTTPException
from emmett.pipeline import Requires, collect_pipes, compose_request, compose_websocket, requires
from tests.pipeline.recording import KINDS, Kind, Observer, Record, Wrapper, compose


def allowed() -> Any:
    return True


async def allowed_later() -> Any:
    await asyncio.sleep(0)
    return "ada"


def refused() -> Any:
    return None


async def refused_later() -> Any:
    await asyncio.sleep(0)
    return False


conditions = pytest.mark.parametrize("condition", [refused, refused_later, lambda: refused_later()])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("condition", [allowed, allowed_later, lambda: allowed_later()])
async def test_a_visitor_that_meets_the_condition_passes(kind: Kind, condition: Callable[[], Any]) -> None:
    record = Record()
    flow = compose(kind, [requires(condition)], record.handler)
    assert await flow.run({"number": 1}) == {"number": 1}


@pytest.mark.parametrize("kind", KINDS)
@conditions
async def test_a_visitor_that_does_not_meet_the_condition_gets_403(kind: Kind, condition: Callable[[], Any]) -> None:
    record = Record()
    flow = compose(kind, [Wrapper("A", record), requires(condition), Wrapper("B", record)], record.handler)
    with pytest.raises(HTTPException) as caught:
        await flow.call()
    assert caught.value.status == 403
    assert record.points == ["A.pipe>", "A.failure"]


@conditions
async def test_a_request_can_be_redirected(condition: Callable[[], Any]) -> None:
    record = Record()
    flow = compose_request([Observer("A", record), requires(condition, "/login?next=å")], record.handler)
    with pytest.raises(HTTPException) as caught:
        await flow.call()
    assert caught.value.status == 303
    assert caught.value.headers == {"Location": "/login?next=%C3%A5"}
    assert record.points == ["A.success"]


async def test_each_redirect_has_its_own_headers() -> None:
    flow = compose_request([requires(refused, otherwise="/login")], Record().handler)
    for _ in range(2):
        with pytest.raises(HTTPException) as caught:
            await flow.call()
        assert caught.value.headers == {"Location": "/login"}
        caught.value.headers.clear()


async def test_a_websocket_is_refused_instead_of_redirected() -> None:
    with pytest.raises(HTTPException) as caught:
        await compose_websocket([requires(refused, "/login")], Record().handler).call()
    assert caught.value.status == 403
    assert caught.value.headers == {}


async def answer_later() -> str:
    await asyncio.sleep(0)
    return "log in first"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("otherwise", [lambda: "log in first", answer_later, lambda: answer_later()])
async def test_any_other_result_of_otherwise_ends_the_flow(kind: Kind, otherwise: Callable[[], Any]) -> None:
    record = Record()
    flow = compose(kind, [Wrapper("A", record), requires(refused, otherwise)], record.handler)
    assert await flow.call() == "log in first"
    assert record.points == ["A.pipe>", "A.pipe<", "A.success"]


@pytest.mark.parametrize("kind", KINDS)
async def test_an_error_of_the_condition_refuses_the_visitor(kind: Kind) -> None:
    def fails() -> bool:
        raise LookupError("no session")

    record = Record()
    with pytest.raises(LookupError, match="no session"):
        await compose(kind, [requires(fails)], record.handler).call()
    assert record.points == []


def test_requires_decorates_a_handler() -> None:
    @requires(allowed)
    @requires(refused, otherwise="/login")
    def handler() -> None:
        pass

    outer, inner = collect_pipes(handler)
    assert isinstance(outer, Requires)
    assert isinstance(inner, Requires)


def wants_something(item: object) -> bool:
    return bool(item)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((True,), "requires(True): the condition must be a function"),
        ((None,), "requires(None): the condition must be a function"),
        ((wants_something,), "takes arguments: it must be a function without arguments"),
        ((allowed, wants_something), "requires: otherwise <function wants_something"),
        ((allowed, 404), "requires(…, otherwise=404): it must be None"),
        ((allowed, ""), "requires(…, otherwise=''): redirect to an empty location"),
        ((allowed, "/a\r\nb"), "control characters are not allowed"),
    ],
)
def test_invalid_arguments_are_refused_at_once(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        requires(*arguments)


def test_a_condition_without_a_readable_signature_is_accepted() -> None:
    assert isinstance(requires(dict), Requires)
