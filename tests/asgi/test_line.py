"""Turns come in the order of the calls, even if tasks are cancelled or take a place without waiting."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.asgi.line import Line, Ticket


async def turns(number: int = 5) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def work(place: Ticket, name: str, done: list[str], length: int = 0) -> None:
    async with place:
        done.append(f"{name} begins")
        await turns(length)
        done.append(f"{name} ends")


async def test_the_first_does_not_wait() -> None:
    line = Line(asyncio.get_running_loop())
    entering = line.join().__aenter__()
    with pytest.raises(StopIteration):
        entering.send(None)


async def test_turns_are_taken_one_at_a_time_in_the_order_of_joining() -> None:
    line = Line(asyncio.get_running_loop())
    done: list[str] = []
    late = line.join()
    task = asyncio.create_task(work(late, "late", done, 3))
    # This task joins later, though it starts first.
    await work(line.join(), "early", done)
    await task
    assert done == ["late begins", "late ends", "early begins", "early ends"]


async def test_it_is_empty_while_there_is_no_ticket() -> None:
    line = Line(asyncio.get_running_loop())
    assert line.is_empty
    ticket = line.join()
    assert not line.is_empty
    ticket.leave()
    assert line.is_empty


async def test_a_failure_passes_the_turn_on() -> None:
    line = Line(asyncio.get_running_loop())
    with pytest.raises(LookupError):
        async with line.join():
            raise LookupError
    async with line.join():
        pass


async def test_leaving_passes_the_turn_on() -> None:
    line = Line(asyncio.get_running_loop())
    places = [line.join() for _ in range(4)]
    assert [place.has_turn for place in places] == [True, False, False, False]
    places[1].leave()
    places[0].leave()
    places[0].leave()
    assert places[2].has_turn
    assert not places[3].has_turn
    places[2].leave()
    assert places[3].has_turn


async def test_waiting_until_a_ticket_is_given_up() -> None:
    line = Line(asyncio.get_running_loop())
    await line.wait_moved(60)
    first, _ = line.join(), line.join()
    waiting = asyncio.create_task(line.wait_moved(60))
    await turns()
    assert not waiting.done()
    first.leave()
    await waiting


async def test_a_line_that_does_not_move_is_waited_for_once() -> None:
    line = Line(asyncio.get_running_loop())
    first, second = line.join(), line.join()
    await line.wait_moved(0.001)
    await line.wait_moved(60)
    first.leave()
    waiting = asyncio.create_task(line.wait_moved(60))
    await turns()
    assert not waiting.done()
    second.leave()
    await waiting


@given(st.lists(st.sampled_from(["join", "cancel first", "cancel last", "turn"]), max_size=40))
async def test_turns_always_follow_the_order_of_joining(steps: list[str]) -> None:
    line = Line(asyncio.get_running_loop())
    tasks: list[asyncio.Task[None]] = []
    done: list[str] = []
    for step in steps:
        if step == "join":
            tasks.append(asyncio.create_task(work(line.join(), str(len(tasks)), done, 2)))
            # A task that is cancelled before it starts could not give up its place.
            await asyncio.sleep(0)
        elif step == "turn":
            await turns()
        elif running := [task for task in tasks if not task.done()]:
            running[0 if step == "cancel first" else -1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    begun = [int(entry.split()[0]) for entry in done if entry.endswith("begins")]
    assert begun == sorted(begun)
    finished = {number for number, task in enumerate(tasks) if not task.cancelled()}
    assert finished <= set(begun)
    async with line.join():
        pass
