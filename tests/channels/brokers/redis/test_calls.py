"""Calls on one connection: each gets its own answer or an error in time."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.exceptions import ResponseError

from emmett.channels.brokers.redis import calls
from emmett.channels.brokers.redis.address import parse_urls
from emmett.channels.brokers.redis.calls import CallLink
from emmett.channels.brokers.redis.scripts import Script
from emmett.errors import BrokerUnavailable
from tests.channels.brokers.redis.nodes import find, until
from tests.valkey import Valkey, running_valkey


@asynccontextmanager
async def linked(valkey: Valkey, seconds: float = 2.0) -> AsyncIterator[CallLink]:
    [address] = parse_urls(valkey.url).addresses
    link = CallLink(functools.partial(find, address), seconds, "test-calls")
    link.start()
    try:
        await link.connected()
        yield link
    finally:
        await link.stop()


async def tick_until_stopped(link: CallLink, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        link.tick()


async def test_every_call_gets_its_own_answer(first_valkey: Valkey) -> None:
    async with linked(first_valkey) as link:
        answers = await asyncio.gather(*(link.ask("ECHO", str(number)) for number in range(3000)))
        assert answers == [b"%d" % number for number in range(3000)]
        with first_valkey.client() as client:
            [one] = [line for line in client.client_list() if line["name"] == "test-calls"]
            assert one["db"] == "0"


async def test_errors_are_answers_too(first_valkey: Valkey) -> None:
    async with linked(first_valkey) as link:
        words = ("ECHO 1", "NONSENSE", "ECHO 2")
        answers = await asyncio.gather(*(link.ask(*word.split()) for word in words), return_exceptions=True)
        assert isinstance(answers[1], ResponseError)
        assert list(answers[::2]) == [b"1", b"2"]


async def test_the_answers_of_cancelled_calls_are_dropped(first_valkey: Valkey) -> None:
    async with linked(first_valkey) as link:
        for turns in range(6):
            with first_valkey.paused():
                tasks = [asyncio.ensure_future(link.ask("ECHO", f"cancelled {number}")) for number in range(5)]
                for _ in range(turns):
                    await asyncio.sleep(0)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                last = asyncio.ensure_future(link.ask("ECHO", "last"))
            assert await last == b"last"


async def test_an_unknown_script_is_sent_in_full(first_valkey: Valkey) -> None:
    async with linked(first_valkey) as link:
        script = Script("return {KEYS[1], ARGV[2], #ARGV[1]}")
        with first_valkey.client() as client:
            for _ in range(2):
                client.script_flush()
                assert await link.run(script, [b"k"], [b"a"]) == [b"k", b"a", 40]
                assert client.script_exists(script.digest) == [True]
                assert await link.run(script, [b"k"], [b"b"]) == [b"k", b"b", 40]


async def test_calls_to_a_silent_server_fail() -> None:
    with running_valkey() as valkey:
        async with linked(valkey, 0.25) as link:
            keeper = asyncio.ensure_future(tick_until_stopped(link, 0.05))
            with valkey.paused():
                waiting = [asyncio.ensure_future(link.ask("ECHO", number)) for number in range(10)]
                answers = await asyncio.gather(*waiting, return_exceptions=True)
                assert all(isinstance(answer, BrokerUnavailable) for answer in answers)
                assert "no answer in time" in str(answers[0]) or "lost" in str(answers[0])
            await until(lambda: link.is_up)
            assert await link.ask("ECHO", "x") == b"x"
            keeper.cancel()


async def test_a_call_survives_a_short_loss(first_valkey: Valkey) -> None:
    """A call that was not sent yet waits for the next connection."""
    async with linked(first_valkey) as link:
        link.drop("for the test")
        await until(lambda: not link.is_up)
        assert await link.ask("ECHO", "x") == b"x"


async def test_calls_that_were_sent_fail_when_the_connection_is_lost() -> None:
    with running_valkey() as valkey:
        async with linked(valkey) as link:
            with valkey.paused():
                sent = asyncio.ensure_future(link.ask("ECHO", "x"))
                for _ in range(5):
                    await asyncio.sleep(0)
                link.drop("for the test")
                with pytest.raises(BrokerUnavailable, match="lost"):
                    await sent


async def test_too_many_calls_are_refused(first_valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "MAX_CALLS", 10)
    async with linked(first_valkey) as link:
        answers = await asyncio.gather(*(link.ask("ECHO", number) for number in range(12)), return_exceptions=True)
        assert list(answers[:10]) == [b"%d" % number for number in range(10)]
        assert "more than 10 calls" in str(answers[10])


async def test_a_connection_to_a_replica_is_closed(caplog: pytest.LogCaptureFixture) -> None:
    """The address may now resolve to another server."""
    with running_valkey() as valkey:
        async with linked(valkey) as link:
            with valkey.client() as client:
                client.replicaof("127.0.0.1", 1)
                with pytest.raises(ResponseError, match="read only"):
                    await link.run(Script("return redis.call('SET', KEYS[1], 'x')"), [b"k"], [])
                await until(lambda: "takes no writes" in caplog.text)
                client.replicaof("NO", "ONE")
            await until(lambda: link.is_up)
            assert await link.run(Script("return redis.call('INCR', KEYS[1])"), [b"k"], []) == 1
