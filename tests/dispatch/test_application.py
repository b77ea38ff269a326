"""The parts of an application that servers and test clients need."""

from __future__ import annotations

import pytest

from emmett import App
from emmett.dispatch import ServedApplication
from emmett.testing import MemoryServer


def test_an_app_is_a_served_application() -> None:
    assert isinstance(App(__name__), ServedApplication)


@pytest.mark.parametrize("other", [None, "app:app", App, lambda scope, receive, send: None])
def test_other_objects_are_no_served_applications(other: object) -> None:
    # The class has these methods, but no table, which is made for each application.
    assert not isinstance(other, ServedApplication)


async def test_an_object_with_these_parts_can_be_run() -> None:
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
