"""The garbage collector while a program is loaded, and afterwards."""

from __future__ import annotations

import gc
from collections.abc import Generator

import pytest

from emmett.cli.loading import few_collections


@pytest.fixture(autouse=True)
def collector() -> Generator[None, None, None]:
    """Restore the settings of the collector."""
    before = gc.get_threshold()
    yield
    gc.enable()
    gc.set_threshold(*before)


def test_no_collection_takes_place_while_a_program_is_loaded() -> None:
    kept: list[object] = []
    seen: list[str] = []
    gc.callbacks.append(watch := lambda phase, _info: seen.append(phase))
    try:
        with few_collections():
            kept.extend([] for _ in range(20_000))
            count = len(seen)
    finally:
        gc.callbacks.remove(watch)
    assert (len(kept), count) == (20_000, 0)


def test_the_thresholds_return_and_the_objects_count_as_old() -> None:
    gc.set_threshold(600, 7, 8)
    with few_collections():
        kept: list[object] = [[] for _ in range(5000)]
    assert gc.get_threshold() == (600, 7, 8)
    if not gc.get_freeze_count():
        old = {id(each) for each in gc.get_objects(generation=2)}
        assert {id(each) for each in kept} <= old


def test_the_thresholds_return_after_an_error_too() -> None:
    gc.set_threshold(600, 7, 8)
    with pytest.raises(ValueError, match="no module"), few_collections():
        raise ValueError("no module")
    assert gc.get_threshold() == (600, 7, 8)


def test_garbage_from_loading_is_collected_later() -> None:
    with few_collections():
        cycle: list[object] = []
        cycle.append(cycle)
        del cycle
    assert gc.collect() >= 1


def test_the_settings_of_a_program_that_configures_the_collector_are_kept() -> None:
    with few_collections():
        gc.set_threshold(5000, 5, 5)
    assert gc.get_threshold() == (5000, 5, 5)


def test_a_disabled_collector_stays_disabled() -> None:
    gc.disable()
    before = gc.get_threshold()
    with few_collections():
        assert gc.get_threshold() == before
    assert not gc.isenabled()
