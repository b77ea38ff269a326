"""Announcements between nodes: they are sent again when the broker is back, and foreign ones are ignored."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emmett import App, Channels
from emmett.errors import BrokerUnavailable, ChannelDenied
from emmett.sessions import StoreUnavailable, nodes
from emmett.sessions.nodes import NAMESPACE, Announcement, Closing, Ended, Extended, Moved, SessionNodes

EVERY = (Ended("1", 1008, "why"), Moved("1", "2", 5), Extended("1", 7), Closing({"user": "ann"}, 4001, "now"))


class Heard:
    """A node, and the announcements that it receives."""

    def __init__(self) -> None:
        self.app = App(__name__)
        self.channels = Channels(self.app)
        self.announcements: asyncio.Queue[Announcement] = asyncio.Queue()
        self.missed = asyncio.Event()
        hear, missed = self.announcements.put_nowait, self.missed.set
        self.nodes = SessionNodes(self.app, self.channels, "emmett_session", hear, missed)


async def test_every_announcement_is_received() -> None:
    heard = Heard()
    async with heard.app.test_client_async():
        await heard.nodes.ready()
        for announcement in EVERY:
            await heard.nodes.announce(announcement)
        assert [await heard.announcements.get() for _ in EVERY] == list(EVERY)


async def test_foreign_announcements_are_ignored(caplog: pytest.LogCaptureFixture) -> None:
    heard = Heard()
    async with heard.app.test_client_async():
        await heard.nodes.ready()
        for text in ("", "{}", '{"type":"ended","id":1}', '{"type":"ended","id":"1","code":1005,"reason":""}', b"\xff"):
            await heard.channels.publish(heard.nodes._channel, text, check=False)
        await heard.nodes.announce(EVERY[0])
        assert await heard.announcements.get() == EVERY[0]
    assert "ignored an announcement about sessions that is not from a node" in caplog.text


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
    assert "a change of a session cannot be announced to other nodes yet: away" in caplog.text


async def test_no_announcement_overtakes_a_waiting_one(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Heard()
    monkeypatch.setattr(nodes, "PAUSE", 0.001)
    publish, is_away = heard.channels.publish, True

    async def publish_later(*arguments: Any, **options: Any) -> Any:
        if is_away:
            raise BrokerUnavailable("away")
        return await publish(*arguments, **options)

    monkeypatch.setattr(heard.channels, "publish", publish_later)
    async with heard.app.test_client_async():
        await heard.nodes.ready()
        await heard.nodes.announce(EVERY[1])
        is_away = False
        # The broker is back, and the first announcement waits for its next attempt.
        await heard.nodes.announce(EVERY[0])
        assert [await heard.announcements.get() for _ in range(2)] == [EVERY[1], EVERY[0]]


async def test_listening_again_counts_as_missed_announcements() -> None:
    heard = Heard()
    async with heard.app.test_client_async():
        await heard.nodes.ready()
        assert not heard.missed.is_set()
        # The supervisor of background work starts the function again after a failure.
        again = asyncio.create_task(heard.nodes._listen())
        await heard.missed.wait()
        again.cancel()
        await asyncio.wait((again,))


async def test_no_client_reads_or_writes_announcements() -> None:
    heard = Heard()
    async with heard.app.test_client_async():
        with pytest.raises(ChannelDenied):
            async with heard.channels.subscribe(heard.nodes._channel):
                pass
        with pytest.raises(ChannelDenied):
            await heard.channels.publish(heard.nodes._channel, "x")


async def test_the_number_of_waiting_announcements_is_limited(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(nodes, "WAITING", 2)
    # The channels have not started, so all announcements wait.
    heard = Heard()
    monkeypatch.setattr(heard.channels, "publish", _away)
    for announcement in EVERY:
        await heard.nodes.announce(announcement)
    assert "a change of a session is not announced to other nodes" in caplog.text


async def _away(*arguments: Any, **options: Any) -> Any:
    raise BrokerUnavailable("away")


async def test_a_handshake_before_the_node_listens_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
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
