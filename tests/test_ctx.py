"""The handles `request`, `response`, `session` and `websocket`, inside and outside of what they refer to."""

from __future__ import annotations

import asyncio
import contextvars

import pytest

from emmett import Websocket, request, response, sdict, session, websocket
from emmett.ctx import current_response, current_session
from emmett.errors import UsageError
from emmett.http.response import Response


@pytest.mark.parametrize(
    ("handle", "name"), [(request, "path"), (response, "status"), (session, "user"), (websocket, "path")]
)
def test_a_handle_used_outside_says_where_it_is_available(handle: object, name: str) -> None:
    with pytest.raises(UsageError, match="is available only"):
        getattr(handle, name)
    with pytest.raises(UsageError):
        setattr(handle, name, 1)
    assert "is available only" in repr(handle)


async def test_websocket_methods_called_outside_say_so_too() -> None:
    for name, arguments in (("accept", ()), ("receive", ()), ("send", ("x",)), ("close", ())):
        with pytest.raises(UsageError, match=r"while a websocket is handled.*emmett\.Channels"):
            await getattr(websocket, name)(*arguments)
    with pytest.raises(UsageError):
        async for _ in websocket:
            pass


@pytest.mark.parametrize("handle", [request, response, session, websocket])
def test_a_handle_cannot_be_hashed(handle: object) -> None:
    with pytest.raises(TypeError, match="in each handler"):
        {handle}  # noqa: B018
    assert handle == handle


def test_hashing_the_websocket_handle_says_what_to_keep_instead() -> None:
    with pytest.raises(TypeError, match=r"keep `websocket\.connection`, or let the connections subscribe to a channel"):
        {websocket: "ada"}  # noqa: B018


async def test_a_handle_refers_to_the_value_in_its_own_context() -> None:
    async def handle(status: int) -> int:
        current_response.set(Response())
        response.status = status
        await asyncio.sleep(0)
        # A task that the handler starts inherits it.
        return await asyncio.create_task(read())

    async def read() -> int:
        return response.status

    assert await asyncio.gather(*(asyncio.create_task(handle(status)) for status in (200, 404, 500))) == [200, 404, 500]
    with pytest.raises(UsageError):
        _ = response.status


def test_the_session_reads_as_attributes_and_items() -> None:
    def use() -> None:
        current_session.set(sdict())
        session.user = "ada"
        assert session["user"] == "ada"
        assert "user" in session
        session["role"] = "admin"
        assert session.role == "admin"
        del session["role"]
        del session.user
        assert session.user is None

    contextvars.Context().run(use)


def test_the_handle_has_the_public_names_of_a_websocket_and_no_others() -> None:
    delivering = {"deliver", "when_ready", "finish_delivery", "receive_next"}
    internal = delivering | {
        "refuse",
        "mark_accepted",
        "set_hooks",
        "tap",
        "untap",
        "leave",
        "end",
        "failure",
        "number",
        "handler",
    }
    own = {name for kind in Websocket.__mro__[:-1] for name in vars(kind) if not name.startswith("_")}
    assert {name for name in dir(websocket) if not name.startswith("_")} == own - internal
    for name in internal:
        with pytest.raises(AttributeError):
            getattr(websocket, name)
    with pytest.raises(AttributeError):
        _ = websocket.sent  # type: ignore[attr-defined]
