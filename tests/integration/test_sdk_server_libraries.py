"""pycent, the Python library for Centrifugo's HTTP API, unchanged against ours."""

from __future__ import annotations

import cent
import pytest
from cent.exceptions import CentApiResponseError, CentUnauthorizedError

from tests.centrifuge.kit import SECRET, Service
from tests.integration.servers import run_emmett


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_pycent_works_unchanged() -> None:
    service = Service(secret=SECRET, api_keys=["key"])
    service.open_namespace("room", history=5, presence=True)
    async with run_emmett(service.app) as running:
        url = f"http://127.0.0.1:{running.port}/api"
        client = cent.AsyncClient(url, "key")
        published = await client.publish(cent.PublishRequest(channel="room:1", data={"n": 1}))
        assert published.offset == 1
        sent = await client.broadcast(cent.BroadcastRequest(channels=["room:1", "plain"], data=2))
        assert [each.error for each in sent.responses] == [None, None]
        history = await client.history(cent.HistoryRequest(channel="room:1", limit=-1))
        assert [each.data for each in history.publications] == [{"n": 1}, 2]
        for number in (3, 4):
            request = cent.PublishRequest(channel="room:2", data=number, idempotency_key="a key")
            assert (await client.publish(request)).offset == 1
        await client.history_remove(cent.HistoryRemoveRequest(channel="room:2"))
        assert (await client.history(cent.HistoryRequest(channel="room:2", limit=-1))).publications == []
        assert (await client.presence_stats(cent.PresenceStatsRequest(channel="room:1"))).num_clients == 0
        assert (await client.presence(cent.PresenceRequest(channel="room:1"))).presence == {}
        assert (await client.channels(cent.ChannelsRequest())).channels == {}
        assert len((await client.info(cent.InfoRequest())).nodes) == 1
        assert await client.disconnect(cent.DisconnectRequest(user="42")) is not None
        assert await client.unsubscribe(cent.UnsubscribeRequest(user="42", channel="room:1")) is not None
        assert await client.subscribe(cent.SubscribeRequest(user="42", channel="room:1")) is not None
        assert await client.refresh(cent.RefreshRequest(user="42")) is not None
        batch = await client.batch(
            cent.BatchRequest(
                requests=[
                    cent.PublishRequest(channel="room:1", data=3),
                    cent.PresenceStatsRequest(channel="room:1"),
                ],
                parallel=True,
            )
        )
        first = batch.replies[0]
        assert isinstance(first, cent.PublishResult)
        assert first.offset == 3
        with pytest.raises(CentApiResponseError):
            await client.history(cent.HistoryRequest(channel="plain"))
        await client._session.close()
        wrong = cent.AsyncClient(url, "wrong")
        with pytest.raises(CentUnauthorizedError):
            await wrong.info(cent.InfoRequest())
        await wrong._session.close()
