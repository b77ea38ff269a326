from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.channels import Publication
from emmett.channels.latest import Item, LatestQueue


def item(channel: int, number: int) -> Item:
    return Publication(f"price:{channel}", str(number)), str(number)


def test_an_empty_queue_is_false_and_has_nothing_to_pop() -> None:
    queue = LatestQueue()
    assert not queue
    assert queue.pop_superseded() == []
    with pytest.raises(KeyError):
        queue.popleft()


@given(st.lists(st.sampled_from(["add 0", "add 1", "add 2", "pop", "supersede", "clear"]), max_size=60))
def test_it_behaves_like_a_list(steps: list[str]) -> None:
    queue, model = LatestQueue(), list[Item]()
    for number, step in enumerate(steps):
        if step.startswith("add"):
            queue.extend([item(int(step[-1]), number)])
            model.append(item(int(step[-1]), number))
        elif step == "pop" and model:
            assert queue.popleft() == model.pop(0)
        elif step == "supersede":
            newest = {each[0].channel: each for each in model}
            old = [each for each in model if newest[each[0].channel] is not each]
            assert sorted(queue.pop_superseded()) == sorted(old)
            model = [each for each in model if each not in old]
        elif step == "clear":
            queue.clear()
            model = []
        assert list(queue) == model
        assert len(queue) == len(model)
    # No reference to removed items is kept.
    queue.clear()
    assert not queue._newest
    assert not queue._superseded


def test_taken_items_are_not_kept() -> None:
    queue = LatestQueue()
    for number in range(100):
        queue.extend([item(0, number), item(1, number)])
        queue.popleft()
        queue.popleft()
    assert (len(queue), len(queue._newest), len(queue._superseded)) == (0, 0, 0)
