from __future__ import annotations

import pytest

from benchmarks.plan import LoadFailed
from benchmarks.sdks.peers import Peer, SDKPeer
from tests.integration.sdk_node import app
from tests.integration.servers import run_emmett


async def test_a_refused_peer_is_a_failure() -> None:
    async with run_emmett(app) as running:
        with pytest.raises(LoadFailed, match=r"/nowhere ended: the server answered b'HTTP/1\.1 404"):
            await Peer(running.port, "/nowhere").connect()


async def test_a_refused_sdk_is_a_failure() -> None:
    # It sends no token.
    async with run_emmett(app) as running:
        peer = SDKPeer(running.port)
        with pytest.raises(LoadFailed, match="3500 invalid token"):
            await peer.connect()
        assert peer.ended == "3500 invalid token"


async def test_publications_are_counted_and_delays_measured() -> None:
    peer = SDKPeer(1)
    peer.take(b'{"id":1,"connect":{}}\n{"id":2,"subscribe":{"epoch":"e","offset":3}}', 10)
    assert await peer.ready == "subscribed"
    peer.take(b'{"push":{"channel":"room:sdk","pub":{"data":{"number":0,"at":4},"offset":4}}}', 10)
    assert (peer.numbers, peer.delays, peer.epoch, peer.offset) == ([0], [6], "e", 4)
    again = SDKPeer(1, peer)
    missed = b'"publications":[{"data":{"number":1,"at":4},"offset":5}]'
    again.take(b'{"id":2,"subscribe":{"epoch":"e","offset":4,"recovered":true,' + missed + b"}}", 10)
    assert (again.numbers, again.recovered, again.offset) == ([0, 1], True, 5)
    plain = Peer(1, "/plain")
    plain.take(b"subscribed", 10)
    plain.take(b'{"number":7,"at":8}', 10)
    assert (await plain.ready, plain.numbers, plain.delays) == ("subscribed", [7], [2])
