"""What servers and test clients need of an application."""

from __future__ import annotations

import pytest

from emmett import App
from emmett.dispatch import ServedApplication
from emmett.testing import MemoryServer


def test_an_app_is_one() -> None:
    assert isinstance(App(__name__), ServedApplication)


@pytest.mark.parametrize("other", [None, "app:app", App, lambda scope, receive, send: None])
def test_nothing_else_is(other: object) -> None:
    # A class has the names, but no table: that is made for each application.
    assert not isinstance(other, ServedApplication)


async def test_no_more_is_needed_to_run_one() -> None:
    app = App(__name__)
    app.route("/")(lambda: "hello")
    steps: list[str] = []

    class Wrapped:
        table = app.table

        async def startup(self) -> None:
            steps.append("startup")

        async def shutdown(self) -> None:
            steps.append("shutdown")

        async def __call__(self, scope: object, receive: object, send: object) -> None: ...

    async with MemoryServer(Wrapped()) as server:
        connection = server.connect()
        connection.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert (await connection.read()).endswith(b"\r\n\r\nhello")
    assert steps == ["startup", "shutdown"]
