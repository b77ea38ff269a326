"""Every import of emmett goes up the layer table, and none goes round in a circle."""

from __future__ import annotations

import graphlib

import pytest

from tests.imports import import_graph, imported_modules, source_files
from tests.layers import LOADED_WHEN_CALLED, Layer, layer_of, parse_table, violations

LAYERS = parse_table()


def test_modules_import_only_what_their_layers_may() -> None:
    found = {module: list(violations(module, imports, LAYERS)) for module, imports in import_graph().items()}
    assert {module: imports for module, imports in found.items() if imports} == {}


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = import_graph()
    inside = {
        module: {target for target in imports if target in graph and (module, target) not in LOADED_WHEN_CALLED}
        for module, imports in graph.items()
    }
    try:
        graphlib.TopologicalSorter(inside).prepare()
    except graphlib.CycleError as error:
        pytest.fail("circular imports: " + " <- ".join(error.args[1]), pytrace=False)


def test_each_layer_has_one_row() -> None:
    names = [name for layer in LAYERS for name in layer.names]
    assert sorted(set(names)) == sorted(names)


def test_no_module_imports_the_command_line() -> None:
    importers = {
        module for module, imports in import_graph().items() if any(layer_of(name) == "cli" for name in imports)
    }
    assert {layer_of(module) for module in importers} <= {"cli", "__main__"}


def test_the_graph_contains_the_whole_package() -> None:
    graph = import_graph()
    assert {"emmett", "emmett.errors", "emmett.wire.frames"} <= set(graph)
    assert "emmett.errors" in graph["emmett"]
    assert set(graph) == set(source_files())


SAMPLES = {
    "import asyncio": {"asyncio"},
    "import websockets.speedups": {"websockets.speedups"},
    "from websockets.speedups import apply_mask": {"websockets.speedups.apply_mask"},
    "from ..errors import FrameError": {"emmett.errors"},
    "from . import close": {"emmett.wire.close"},
    "from .. import errors, App": {"emmett.errors", "emmett"},
    "from emmett import errors": {"emmett.errors"},
    "from emmett import App": {"emmett"},
    "def later():\n    import time": {"time"},
    "if TYPE_CHECKING:\n    from emmett.app import App": {"emmett.app"},
    "try:\n    import ssl\nexcept ImportError:\n    import socket": {"ssl", "socket"},
}


@pytest.mark.parametrize("text", SAMPLES)
def test_every_form_of_import_is_seen(text: str) -> None:
    modules = {"emmett", "emmett.errors", "emmett.app", "emmett.wire", "emmett.wire.close", "emmett.wire.frames"}
    found = imported_modules(text, "emmett.wire.frames", is_package=False, modules=modules)
    assert set(found) == SAMPLES[text]


def test_relative_imports_of_a_package_start_at_itself() -> None:
    modules = {"emmett.wire", "emmett.wire.close", "emmett.errors"}
    text = "from .close import Close\nfrom ..errors import FrameError"
    assert set(imported_modules(text, "emmett.wire", is_package=True, modules=modules)) == {
        "emmett.wire.close",
        "emmett.errors",
    }


@pytest.mark.parametrize(
    ("module", "target"),
    [
        ("emmett.errors", "emmett.datastructures"),
        ("emmett.wire.frames", "asyncio"),
        ("emmett.wire.frames", "socket"),
        ("emmett.wire.frames", "ssl"),
        ("emmett.wire.frames", "time.monotonic"),
        ("emmett.wire.frames", "emmett.config"),
        ("emmett.wire.frames", "websockets.asyncio.client"),
        ("emmett.routing.router", "emmett.http.request"),
        ("emmett.http.request", "emmett.routing"),
        ("emmett.http.request", "uvicorn"),
        ("emmett.ctx", "emmett.pipeline"),
        ("emmett.channels.hub", "emmett.websockets"),
        ("emmett.app", "emmett.server"),
        ("emmett.app", "emmett"),
        ("emmett.server.process", "emmett.cli.main"),
        ("emmett.server.process", "click"),
        ("emmett.testing.client", "emmett.cli"),
        ("emmett.server.process", "emmett.app"),
        ("emmett.testing.client", "emmett.app"),
        ("emmett.cli.main", "requests"),
        ("emmett.unheard_of", "emmett.errors"),
    ],
)
def test_an_import_against_the_table_is_found(module: str, target: str) -> None:
    assert len(list(violations(module, {target}, LAYERS))) == 1


@pytest.mark.parametrize(
    ("module", "target"),
    [
        ("emmett.wire.frames", "websockets.speedups.apply_mask"),
        ("emmett.wire.frames", "struct"),
        ("emmett.wire.frames", "emmett.wire.close"),
        ("emmett.dispatch.requests", "emmett.wire"),
        ("emmett.app", "emmett.testing.client"),
        ("emmett.cli.main", "click"),
        ("emmett.cli.shell", "emmett"),
    ],
)
def test_an_import_that_follows_the_table_passes(module: str, target: str) -> None:
    assert list(violations(module, {target}, LAYERS)) == []


def test_the_phrases_of_the_table_mean_layers() -> None:
    table = "| | | |\n| --- |\n| a | nothing | x |\n| b, c | a | x |\n| d | all above | x |\n| e | c and above, d | x |"
    assert parse_table(table)[2:] == [
        Layer(("d",), frozenset("abc"), ("x",)),
        Layer(("e",), frozenset("abcd"), ("x",)),
    ]


@pytest.mark.parametrize("word", ["b", "all", "b and above"])
def test_a_row_that_allows_a_lower_layer_is_an_error(word: str) -> None:
    with pytest.raises(ValueError, match=f"'{word}' in the layer table"):
        parse_table(f"| | | |\n| --- |\n| a | {word} | x |\n| b | nothing | x |")
