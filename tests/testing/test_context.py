from __future__ import annotations

import asyncio

import pytest

from emmett import App, Pipe, request, response, session
from emmett.ctx import current_session
from emmett.datastructures import sdict
from emmett.dispatch import run_request
from emmett.errors import UsageError
from emmett.testing.context import Visits
from tests.http.builders import make_request


class Sessions(Pipe):
    """Loads a session as a session manager does."""

    async def open_request(self) -> None:
        current_session.set(sdict(user=request.query_params.user))


def make_app() -> App:
    app = App(__name__)

    @app.route(pipeline=[Sessions()])
    async def counter() -> str:
        session.count = (session.count or 0) + 1
        response.headers["x-user"] = str(session.user)
        return "ok"

    @app.route()
    async def plain() -> str:
        return "ok"

    return app


async def test_the_context_is_that_of_the_last_request() -> None:
    async with make_app().test_client_async() as client:
        await client.get("/counter?user=ada")
        assert client.context.request.query_params.user == "ada"
        assert client.context.response.headers["x-user"] == "ada"
        assert client.context.session == {"user": "ada", "count": 1}
        await client.get("/plain")
        assert client.context.request.path == "/plain"
        assert client.context.session is None


async def test_there_is_no_context_before_a_request() -> None:
    async with make_app().test_client_async() as client:
        with pytest.raises(UsageError, match="none was made yet"):
            client.context.session  # noqa: B018


async def test_errors_have_a_context_too() -> None:
    async with make_app().test_client_async() as client:
        await client.get("/missing")
        assert client.context.request.path == "/missing"
        assert client.context.response.status == 404


async def test_concurrent_requests_have_separate_contexts() -> None:
    app = make_app()
    arrived, go_on = asyncio.Semaphore(0), asyncio.Event()

    @app.route("/wait/<str:name>", pipeline=[Sessions()])
    async def wait(name: str) -> str:
        session.name = name
        arrived.release()
        await go_on.wait()
        return name

    async with app.test_client_async() as client, asyncio.TaskGroup() as tasks:
        names = [str(number) for number in range(20)]
        waiting = [tasks.create_task(client.get(f"/wait/{name}")) for name in names]
        for _ in names:
            await arrived.acquire()
        go_on.set()
        for name, task in zip(names, waiting, strict=True):
            answer = await task
            assert answer.context is not None
            assert answer.context.session is not None
            assert (answer.text, answer.context.session.name) == (name, name)


async def test_two_clients_of_one_application_do_not_mix() -> None:
    app = make_app()
    async with app.test_client_async() as one, app.test_client_async() as other:
        await one.get("/counter?user=ada")
        await other.get("/counter?user=bob")
        assert (one.context.session, other.context.session) == (
            {"user": "ada", "count": 1},
            {"user": "bob", "count": 1},
        )
    assert app.table.on_request_end is None


async def test_clients_may_close_in_any_order() -> None:
    app = make_app()
    first, second = app.test_client_async(), app.test_client_async()
    await first.__aenter__()
    async with second:
        await first.__aexit__(None, None, None)
        await second.get("/counter?user=ada")
        assert second.context.session is not None
        assert second.context.session.user == "ada"


async def test_an_earlier_listener_is_still_called() -> None:
    app, heard = make_app(), []
    app.table.on_request_end = lambda seen: heard.append(seen.path)
    async with app.test_client_async() as client:
        await client.get("/plain")
    assert heard == ["/plain"]
    assert app.table.on_request_end is not None


async def test_the_context_is_found_with_a_trusted_proxy() -> None:
    app = make_app()
    app.config.server.trusted_proxies = ("127.0.0.1",)
    async with app.test_client_async() as client:
        await client.get("/plain", headers={"X-Forwarded-For": "192.0.2.7"})
        assert client.context.request.client is not None
        assert client.context.request.client[0] == "192.0.2.7"


ELSEWHERE = ("192.0.2.99", 50000)


async def test_a_request_from_an_unknown_address_is_matched_if_there_is_only_one() -> None:
    app = make_app()
    visits = Visits(app.table)
    visits.install()
    first, second = visits.expect(ELSEWHERE), visits.expect(("192.0.2.98", 50000))
    await run_request(app.table, make_request(path="/plain"))
    # The request could belong to either of them.
    assert (first.context, second.context) == (None, None)
    visits.forget(first)
    await run_request(app.table, make_request(path="/plain"))
    assert first.context is None
    assert second.context is not None


async def test_a_removed_listener_gets_nothing_even_if_others_forward() -> None:
    app = make_app()
    one, other = Visits(app.table), Visits(app.table)
    for visits in (one, other):
        visits.install()
    visit = one.expect(ELSEWHERE)
    await run_request(app.table, make_request(path="/plain"))
    assert visit.context is not None
    visit.context = None
    one.remove()
    await run_request(app.table, make_request(path="/plain"))
    assert visit.context is None
