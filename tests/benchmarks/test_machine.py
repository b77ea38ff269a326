from __future__ import annotations

import os
import subprocess
import sys

import pytest

from benchmarks.machine import (
    Placement,
    choose_cores,
    circumstances,
    cpu_seconds,
    current_placement,
    describe,
    describe_machine,
    memory_bytes,
    pinned,
)

PAIRS = {0: {0, 1}, 1: {0, 1}, 2: {2, 3}, 3: {2, 3}}
NO_PROCESS = 2**22 + 1  # higher than any process id of Linux
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux pins processes and shows PSS")


def alone(core: int) -> set[int]:
    return {core}


@pytest.mark.parametrize(
    ("allowed", "siblings", "chosen", "words"),
    [
        ({1, 0}, alone, (0, 1), "core 1."),
        (PAIRS, PAIRS.__getitem__, (0, 2), "core 2."),
        ({2, 3}, PAIRS.__getitem__, (2, 3), "one physical core"),
        ({4}, alone, (None, None), "One core only"),
    ],
)
def test_server_and_generator_have_separate_physical_cores_where_possible(
    allowed: set[int], siblings: object, chosen: tuple[int | None, int | None], words: str
) -> None:
    placement = choose_cores(allowed, siblings)  # type: ignore[arg-type]
    assert (placement.server, placement.generator) == chosen
    assert words in placement.note


@pytest.mark.parametrize(
    ("cores", "workers", "server", "generator"),
    [
        ({0, 1, 2}, 1, {0}, {1}),
        ({0, 1, 2}, 2, {0, 2}, {1}),
        ({0, 1}, 2, {0, 1}, {0, 1}),
        ({0}, 2, None, None),
    ],
)
def test_workers_share_cores_with_the_generator_only_where_there_are_too_few(
    cores: set[int], workers: int, server: set[int] | None, generator: set[int] | None
) -> None:
    placement = choose_cores(cores, alone)
    assert (placement.server_cores(workers), placement.generator_cores(workers)) == (server, generator)


@linux
def test_a_process_started_while_pinned_stays_pinned() -> None:
    before = os.sched_getaffinity(0)
    core = max(before)
    with pinned({core}):
        command = [sys.executable, "-c", "import os; print(os.sched_getaffinity(0))"]
        output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=180).stdout
    assert output.strip() == str({core})
    assert os.sched_getaffinity(0) == before
    with pinned(None):
        assert os.sched_getaffinity(0) == before


def test_this_machine_has_a_placement_and_a_description() -> None:
    assert current_placement().note.endswith(".")
    machine = describe_machine()
    assert machine["processor"]
    assert str(machine["python"]).endswith(sys.version.split()[0])
    text = "\n".join(describe(circumstances(Placement(None, None, "Pinned."), 3, 1.5)))
    assert "Rounds: 3; a measurement: 1.5 s. Pinned." in text


@linux
def test_cpu_time_and_memory_include_child_processes() -> None:
    child = "import os; x = bytearray(b'x') * 50_000_000; print(os.times().user, flush=True); input()"
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with subprocess.Popen([sys.executable, "-c", nested], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        spent = float(process.stdout.readline())
        found, memory = cpu_seconds(process.pid), memory_bytes(process.pid)
        process.communicate(b"\n")
    assert found is not None
    assert found >= spent
    assert memory is not None
    assert memory > 50_000_000


def test_a_nonexistent_process_has_neither_cpu_time_nor_memory() -> None:
    assert cpu_seconds(NO_PROCESS) is None
    assert memory_bytes(NO_PROCESS) is None
