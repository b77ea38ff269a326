"""What nodes tell each other about sessions: sent again when the broker is back, and nothing strange is believed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emmett import App, Channels
from emmett.errors import BrokerUnavailable
from emmett.sessions import StoreUnavailable, nodes
from emmett.sessions.nodes import NAMESPACE, Announcement, Closing, Ended, Extended, Moved, SessionNodes

EVERY = (Ended("1", 1008, "why"), Moved("1", "2", 5), Extended("1", 7), Closing({"user": "ann"}, 4001, "now"))


class Heard:
    """A node, and what it hears."""

    def __init__(self) -> None:
        self.app = App(__name__)
        self.channels = Channels(self.app)
        self.announcements: asyncio.Queue[Announcement] = asyncio.Queue()
        self.missed = asyncio.Event()
        hear, missed = self.announcements.put_nowait, self.missed.set
        self.nodes = SessionNodes(self.app, self.channels, "emmett_session", hear, missed)


async def test_every_announcement_is_heard() -> None:
    heard = Heard()
    async with heard.app.test_client_async():
        await heard.nodes.ready()
        for announcement in EVERY:
            await heard.nodes.announce(announcement)
        assert [await heard.announcements.get() for _ in EVERY] == list(EVERY)


async def test_what_no_node_has_made_is_ignored(caplog: pytest.LogCaptureFixture) -> None:
    heard = Heard()
    async with heard.app.test_client_async():
        await heard.nodes.ready()
        for text in ("", "{}", '{"type":"ended","id":1}', '{"type":"ended","id":"1","code":1005,"reason":""}', b"\xff"):
            await heard.channels.publish(heard.nodes._channel, text)
        await heard.nodes.announce(EVERY[0])
        assert await heard.announcements.get() == EVERY[0]
    assert "ignored an announcement about sessions that no node has made" in caplog.text


async def test_announcements_wait_for_the_broker(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    heard = Heard()
    monkeypatch.setattr(nodes, "PAUSE", 0.001)
    publish, refused = heard.channels.publish, asyncio.Event()
    is_away = True

    async def publish_later(*arguments: Any, **options: Any) -> Any:
        if is_away:
            if caplog.records:
                refused.set()
            raise BrokerUnavailable("away")
        return await publish(*arguments, **options)

    monkeypatch.setattr(heard.channels, "publish", publish_later)
    async with heard.app.test_client_async():
        await heard.nodes.ready()
        for announcement in EVERY:
            await heard.nodes.announce(announcement)
        await refused.wait()
        is_away = False
        assert [await heard.announcements.get() for _ in EVERY] == list(EVERY)
    assert "other nodes learn later that a session has changed: away" in caplog.text


async def test_no_more_wait_than_the_bound(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(nodes, "WAITING", 2)
    # The channels have not started.
    heard = Heard()
    monkeypatch.setattr(heard.channels, "publish", _away)
    for announcement in EVERY:
        await heard.nodes.announce(announcement)
    assert "other nodes do not learn that a session has changed" in caplog.text


async def _away(*arguments: Any, **options: Any) -> Any:
    raise BrokerUnavailable("away")


async def test_a_handshake_before_others_are_heard_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "READY_TIMEOUT", 0.001)
    with pytest.raises(StoreUnavailable):
        await Heard().nodes.ready()


def test_each_cookie_has_its_channel() -> None:
    app = App(__name__)
    channels = Channels(app)
    made = [SessionNodes(app, channels, name, print, print) for name in ("one", "*")]
    first, second = (each._channel for each in made)
    assert first != second
    assert first.startswith(f"{NAMESPACE}-")
