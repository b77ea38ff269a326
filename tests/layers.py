"""The layers of emmett: the table of docs/design.md, word for word, and how to read it."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.imports import ROOT

TABLE = """\
| layer | may import from emmett | and also |
| --- | --- | --- |
| errors, route_settings | nothing | pure standard library |
| datastructures | errors | pure standard library |
| observers, rare_log | errors, datastructures | standard library |
| checks, command_names, environment, lazy, logs, pacing, token_buckets | nothing | pure standard library |
| _native | errors | the C extension, optional |
| engine | _native, environment, errors | pure standard library, asyncio, websockets.speedups, websockets.utils |
| wire | engine, datastructures, errors | pure standard library, isal, websockets.extensions, websockets.speedups, websockets.utils |
| redis_urls | wire, errors | standard library, redis |
| config | wire, checks, datastructures, errors | pure standard library |
| routing | all above | standard library |
| http | config and above | standard library, msgspec, multipart |
| typed | errors | standard library, msgspec |
| websockets | http, wire, engine, config, typed, lazy, logs, datastructures, errors | standard library, msgspec |
| pipeline, ctx | websockets and above | standard library, msgspec |
| json_logs | logs | standard library, msgspec |
| urls, streams, log_filter | all above | standard library, msgspec |
| sessions | all above | standard library, cryptography, msgspec, redis |
| channels | checks, environment, pacing, token_buckets, rare_log, redis_urls, wire, engine, logs, observers, errors | standard library, msgspec, nats, nkeys, redis |
| calls | all above | standard library, msgspec |
| security | all above | standard library |
| templates | all above | standard library, jinja2 |
| dispatch | all above | standard library, msgspec |
| health | rare_log, http, errors | standard library |
| users | channels, ctx, websockets, wire, rare_log, pacing, errors | standard library, msgspec |
| tasks | environment, rare_log, errors | standard library |
| telemetry | environment, http, observers, datastructures, errors | standard library, opentelemetry, prometheus_client |
| centrifuge | channels, pipeline, ctx, calls and above | standard library, cryptography, jwt, msgspec, google.protobuf |
| inspector | all above | standard library, msgspec |
| asgi, module | dispatch and above | standard library |
| schema | lazy, calls, typed, routing, pipeline, dispatch, module | standard library, msgspec, pydantic, websockets |
| server | all above | standard library, httptools, uvloop, watchfiles |
| testing | server and above | standard library, httptools, msgspec, pytest, websockets |
| app | module and above, schema, testing | standard library |
| emmett | app and above | standard library |
| cli | all above | standard library, every dependency |
| __main__ | cli | standard library |
"""  # noqa: E501 - rows cannot be broken

# Imports down the table that a function makes when it is called, each with its reason.
LOADED_WHEN_CALLED: dict[tuple[str, str], str] = {}

# Modules that do input or output, wait, or read the clock; the pure layers import none of them.
IMPURE = {
    *("asyncio", "concurrent", "multiprocessing", "subprocess", "threading"),
    *("select", "selectors", "socket", "socketserver", "ssl"),
    *("signal", "time"),
}


class Layer(NamedTuple):
    """One row of the table."""

    names: tuple[str, ...]
    imports: frozenset[str]
    outside: tuple[str, ...]


def parse_table(table: str = TABLE) -> list[Layer]:
    """Return the rows of a layer table, the phrases of its second column resolved to the names of layers."""
    layers: list[Layer] = []
    for line in table.splitlines()[2:]:
        names, imports, outside = ([word.strip() for word in cell.split(",")] for cell in line.strip("|").split("|"))
        layers.append(Layer(tuple(names), frozenset(_resolve(imports, layers)), tuple(outside)))
    return layers


def _resolve(words: list[str], above: list[Layer]) -> Iterator[str]:
    rows = [layer.names for layer in above]
    place = {name: number for number, names in enumerate(rows) for name in names}
    for word in words:
        last = word.removesuffix(" and above")
        if word == "all above":
            yield from place
        elif word in place:
            yield word
        elif last in place:
            yield from (name for name, number in place.items() if number <= place[last])
        elif word != "nothing":
            raise ValueError(f"'{word}' in the layer table is no layer further up, nor 'all above' or 'X and above'")


def layer_of(module: str) -> str:
    """Return the layer of a module of emmett: the name behind `emmett.`, `emmett` for the package's front."""
    return module.split(".")[1] if "." in module else module


def dependencies() -> frozenset[str]:
    """Return the top-level names of the dependencies in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return frozenset(line.split(">")[0].strip() for line in project["dependencies"])


def violations(module: str, imports: set[str], layers: list[Layer]) -> Iterator[str]:
    """Yield an explanation for each import of a module that its layer forbids."""
    name = layer_of(module)
    layer = next((layer for layer in layers if name in layer.names), None)
    if layer is None:
        yield f"{module} is in no layer: add {name} to the table in tests/layers.py and docs/design.md"
        return
    for target in sorted(imports):
        if (module, target) in LOADED_WHEN_CALLED:
            continue
        if target.partition(".")[0] != "emmett":
            if not any(_covers(phrase, target) for phrase in layer.outside):
                yield f"{module} imports {target}; beside emmett, {name} may import {', '.join(layer.outside)}"
        elif layer_of(target) not in {name, *layer.imports}:
            allowed = ", ".join(sorted(layer.imports)) or "nothing"
            yield f"{module} imports {target}; of emmett, {name} may import {allowed}"


def _covers(phrase: str, target: str) -> bool:
    """Tell whether a phrase of the third column allows a module that is not emmett's."""
    top = target.partition(".")[0]
    groups: dict[str, Callable[[], bool]] = {
        "standard library": lambda: top in sys.stdlib_module_names,
        "pure standard library": lambda: top in sys.stdlib_module_names - IMPURE,
        "every dependency": lambda: top in dependencies(),
    }
    return groups[phrase]() if phrase in groups else f"{target}.".startswith(f"{phrase}.")
