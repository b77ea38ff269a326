"""The handle `websocket` where an application keeps it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import pytest

from emmett import App, websocket
from emmett.dispatch import kept_handle
from emmett.dispatch.kept_handle import find_keepers
from emmett.environment import DEVELOP


class Member:
    def __init__(self, name: str, socket: Any) -> None:
        self.name = name
        self.socket = socket


class SlottedMember:
    __slots__ = ("socket",)

    def __init__(self, socket: Any) -> None:
        self.socket = socket


@pytest.fixture
def keepers() -> Callable[[], list[str]]:
    """Return a function that lists what has kept the handle since the test began."""
    before = Counter(find_keepers())
    return lambda: list((Counter(find_keepers()) - before).elements())


def test_names_and_closures_are_not_reported(keepers: Callable[[], list[str]]) -> None:
    local = websocket

    def closure() -> object:
        return local

    assert keepers() == []
    assert closure() is websocket


@pytest.mark.parametrize(
    ("keep", "kind"),
    [
        (lambda: [websocket], "list"),
        (lambda: deque([websocket]), "deque"),
        (lambda: {"ada": websocket}, "dict"),
        (lambda: SlottedMember(websocket), "SlottedMember"),
    ],
)
def test_a_kept_handle_is_found(keep: Any, kind: str, keepers: Callable[[], list[str]]) -> None:
    kept = keep()
    assert keepers() == [kind]
    del kept
    assert keepers() == []


def test_a_handle_kept_in_an_object_is_found(keepers: Callable[[], list[str]]) -> None:
    kept = Member("ada", websocket)
    # The object itself or its `__dict__`, depending on the version of Python.
    assert keepers() in (["dict"], ["Member"])
    del kept


@pytest.mark.parametrize("developing", [True, False])
async def test_it_is_logged_once_during_development(
    developing: bool,
    keepers: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(kept_handle, "find_keepers", keepers)
    monkeypatch.setattr(kept_handle, "_warned", False)
    if developing:
        monkeypatch.setenv(DEVELOP, "app:app")
    app = App(__name__)
    kept = []

    @app.websocket("/")
    async def talk() -> None:
        kept.append(websocket)
        async for _ in websocket:
            pass

    async with app.test_client_async() as client:
        for _ in range(3):
            async with client.websocket("/"), client.websocket("/"):
                pass
    messages = [record.getMessage() for record in caplog.records if "is kept in a" in record.getMessage()]
    assert len(messages) == developing
    assert all(
        "list" in message and "websocket.connection" in message and "emmett.Channels" in message for message in messages
    )
