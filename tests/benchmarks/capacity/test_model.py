"""The model's arithmetic, on figures that can be followed by hand."""

from __future__ import annotations

import pytest

from benchmarks.capacity.model import Bounds, Coefficients, Workload, predict

FIGURES = Coefficients(
    process_bytes=40e6,
    subscriber_bytes=6e3,
    kernel_bytes=4e3,
    delivery_seconds=5e-6,
    publication_seconds=100e-6,
    broker_seconds=20e-6,
)


def test_one_process_is_enough_for_a_few() -> None:
    found = predict(FIGURES, Workload(1000, 10, 1000))
    assert (found.processes, found.limit) == (1, "connections")
    assert (found.deliveries, found.broker_in, found.broker_out) == (10_000, 10, 10)
    assert found.process_bytes == found.total_bytes == pytest.approx(40e6 + 1000 * 10e3)
    assert found.cpu_share == pytest.approx(10 * (1000 * 5e-6 + 100e-6))


def test_connections_are_the_limit_for_many_idle_clients() -> None:
    found = predict(FIGURES, Workload(1_000_000, 0, 0))
    assert (found.processes, found.limit, found.cpu_share, found.broker_out) == (100, "connections", 0, 0)
    assert found.total_bytes == pytest.approx(100 * (40e6 + 10_000 * 10e3))


def test_memory_is_the_limit_where_processes_are_small() -> None:
    found = predict(FIGURES, Workload(10_000, 1, 10), Bounds(memory_bytes=50e6))
    assert (found.processes, found.limit) == (10, "memory")


def test_the_processor_is_the_limit_of_a_busy_room() -> None:
    # Each process receives 1,000 publications, a tenth of its core; 20,000 x 1,000 deliveries take 100 s a second.
    found = predict(FIGURES, Workload(20_000, 1000, 20_000), Bounds(cpu_share=0.5))
    assert (found.processes, found.limit) == (250, "cpu")
    assert found.cpu_share == pytest.approx(0.5)
    assert found.broker_out == 250_000


def test_a_publication_to_a_small_room_reaches_only_a_few_processes() -> None:
    # 100,000 publications, two subscribers each: 1 s of deliveries and 20 s of receiving, each second.
    found = predict(FIGURES, Workload(1000, 100_000, 2), Bounds(cpu_share=0.5))
    assert (found.processes, found.limit) == (42, "cpu")
    assert found.broker_out == 200_000
    assert found.cpu_share <= 0.5


def test_more_processes_do_not_help_if_each_receives_too_much() -> None:
    with pytest.raises(ValueError, match="busy beyond its share with hearing"):
        predict(FIGURES, Workload(1_000_000, 6000, 1_000_000))


def test_a_process_too_small_for_a_single_connection_is_refused() -> None:
    with pytest.raises(ValueError, match="a process with one connection needs more"):
        predict(FIGURES, Workload(1, 1, 1), Bounds(memory_bytes=40e6))


def test_impossible_values_are_named() -> None:
    with pytest.raises(ValueError, match="subscribers is 11: expected at most 10, all there are"):
        Workload(10, 1, 11)
    with pytest.raises(ValueError, match="delivery_seconds is -1: measure again"):
        Coefficients(1, 1, 1, -1, 1, 1)


@pytest.mark.parametrize("connections", [1, 999, 50_000, 3_000_000])
@pytest.mark.parametrize("publications", [0.0, 0.5, 100.0, 2000.0])
@pytest.mark.parametrize("subscribers", [1, 40, 900])
def test_predictions_stay_within_the_bounds(connections: int, publications: float, subscribers: int) -> None:
    bounds = Bounds()
    found = predict(FIGURES, Workload(connections, publications, min(subscribers, connections)), bounds)
    assert found.cpu_share <= bounds.cpu_share * 1.0001
    assert found.process_bytes <= bounds.memory_bytes
    assert connections <= found.processes * bounds.connections
