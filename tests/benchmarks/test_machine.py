from __future__ import annotations

from benchmarks.machine import describe_load, describe_machine, find_model


def test_the_model_of_the_first_processor_is_found() -> None:
    text = "processor\t: 0\nmodel\t\t: 85\nmodel name\t: Some CPU @ 2.00GHz\n\nprocessor\t: 1\nmodel name\t: Other\n"
    assert find_model(text) == "Some CPU @ 2.00GHz"
    assert find_model("processor\t: 0\n") is None


def test_this_machine_is_described() -> None:
    machine = describe_machine()
    assert machine["processor"]
    assert isinstance(machine["cores"], int)
    assert machine["cores"] >= 1


def test_how_busy_the_machine_is_is_told_in_three_figures() -> None:
    load = describe_load()
    assert load is None or (len(load) == 3 and min(load) >= 0)
