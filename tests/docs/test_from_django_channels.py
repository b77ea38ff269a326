"""The guide for users of Django Channels: both sides of each example give the same answers."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import ModuleType

import django
import httpx
import pytest
from django.conf import settings
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from tests.docs.guides import hear, loaded, our_program, serve_asgi, serve_ours, their_files

GUIDE = "docs/from_django_channels.md"
Serve = Callable[[str, Path], AbstractAsyncContextManager[str]]


@contextlib.asynccontextmanager
async def serve_project(heading: str, folder: Path) -> AsyncIterator[str]:
    """Serve the project of the guide, which is one for all headings."""
    with django_project(folder, "asgi") as module:
        async with serve_asgi(module.application) as address:
            yield address


@contextlib.contextmanager
def django_project(folder: Path, name: str) -> Iterator[ModuleType]:
    """Import a module of the project of the guide. Django can be configured once in a process."""
    files = their_files(GUIDE)
    if not settings.configured:
        with loaded(files, "settings", folder) as found:
            settings.configure(**{name: value for name, value in vars(found).items() if name.isupper()})
        django.setup(set_prefix=False)
    with loaded(files, name, folder) as module:
        yield module


@contextlib.asynccontextmanager
async def serve_emmett(heading: str, folder: Path) -> AsyncIterator[str]:
    """Serve the program in emmett below a heading."""
    async with serve_ours(GUIDE, heading, folder) as address:
        yield address


SIDES = pytest.mark.parametrize("serve", [serve_project, serve_emmett], ids=["theirs", "ours"])


@SIDES
async def test_a_consumer_and_a_websocket_behave_alike(serve: Serve, tmp_path: Path) -> None:
    async with serve("A consumer", tmp_path) as address:
        url = f"ws://{address}/items/7?color=blue"
        async with connect(url, origin=Origin(f"http://{address}")) as client:
            await client.send("Hello")
            assert await client.recv() == "7 blue Hello"


@SIDES
async def test_groups_and_channels_behave_alike(serve: Serve, tmp_path: Path) -> None:
    async with serve("Groups", tmp_path) as address:
        url, origin = f"ws://{address}/rooms/tea", Origin(f"http://{address}")
        async with connect(url, origin=origin) as ada, connect(url, origin=origin) as bob:
            for client, text in ((ada, "first"), (bob, "second")):
                # The echo shows that the member has joined.
                await client.send(text)
                await hear(client, text)
            async with httpx.AsyncClient(verify=False) as pages:
                assert (await pages.get(f"http://{address}/announce/tea")).text == "announced"
            await hear(ada, "The kettle is on.")
            await hear(bob, "The kettle is on.")


@SIDES
async def test_sessions_and_users_behave_alike(serve: Serve, tmp_path: Path) -> None:
    async with serve("Sessions and users", tmp_path) as address:
        url, origin = f"ws://{address}/inbox", Origin(f"http://{address}")
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, origin=origin)
        assert refused.value.response.status_code == 403
        async with httpx.AsyncClient(verify=False) as pages:
            assert (await pages.get(f"http://{address}/login/ada")).text == "welcome"
            cookie = "; ".join(f"{name}={value}" for name, value in pages.cookies.items())
        async with connect(url, origin=origin, additional_headers={"Cookie": cookie}) as client:
            assert await client.recv() == "Hello, ada"


@SIDES
async def test_a_client_without_an_origin_is_treated_as_documented(serve: Serve, tmp_path: Path) -> None:
    async with serve("A consumer", tmp_path) as address:
        url = f"ws://{address}/items/7"
        if serve is serve_emmett:
            async with connect(url) as client:
                await client.send("Hello")
                assert await client.recv() == "7 red Hello"
        else:
            with pytest.raises(InvalidStatus):
                await connect(url)


def test_the_tests_of_the_guide_pass(tmp_path: Path) -> None:
    with django_project(tmp_path, "test_items") as module:
        module.test_items()
    with loaded(our_program(GUIDE, "Tests").files, "test_app", tmp_path) as module:
        module.test_items()
