"""The functions that run when a connection opens, and when it has ended."""

import pytest

from emmett import App, abort, websocket
from emmett.errors import ConfigurationError
from emmett.testing import RefusedHandshake
from tests.calls.kit import make_app


async def test_on_open_may_refuse() -> None:
    app, calls = make_app()

    @calls.on_open
    def check() -> None:
        if websocket.query_params.token != "right":
            abort(401)

    @calls.method()
    async def fine() -> int:
        return 1

    async with app.test_client_async() as client:
        with pytest.raises(RefusedHandshake) as refused:
            async with client.calls("/api"):
                pass
        assert refused.value.status == 401
        async with client.calls("/api?token=right") as api:
            assert await api.fine() == 1


async def test_all_functions_at_the_end_run_even_if_one_fails() -> None:
    app, calls = make_app()
    ran: list[str] = []

    @calls.on_close
    async def first() -> None:
        ran.append("first")
        raise ValueError("for the test")

    @calls.on_close
    def second() -> None:
        ran.append("second")

    async with app.test_client_async() as client, client.websocket("/api"):
        pass
    assert ran == ["first", "second"]


async def test_on_close_runs_even_if_the_connection_closes_while_opening() -> None:
    app, calls = make_app()
    ran: list[str] = []
    calls.on_close(lambda: ran.append("closed"))

    @calls.on_open
    async def enter() -> None:
        ran.append("opened")
        await websocket.close()

    async with app.test_client_async() as client:
        with pytest.raises(RefusedHandshake):
            await client.websocket("/api").__aenter__()
    assert ran == ["opened", "closed"]


async def test_an_opening_and_its_end_take_the_variables_of_the_path() -> None:
    app = App(__name__)
    calls = app.calls("/rooms/<str:room>")
    entered: list[str] = []

    @calls.on_open
    async def enter(room: str) -> None:
        entered.append(room)

    with pytest.raises(ConfigurationError, match="'name' is no variable of the path; expected room"):

        @calls.on_open
        async def other(name: str) -> None: ...

    with pytest.raises(ConfigurationError, match="'name' is no variable of the path; expected room"):

        @calls.on_close
        async def another(name: str) -> None: ...

    @calls.on_close
    def leave(room: str) -> None:
        entered.remove(room)

    async with app.test_client_async() as client, client.websocket("/rooms/tea"):
        assert entered == ["tea"]
    assert entered == []
