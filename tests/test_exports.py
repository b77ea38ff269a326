"""What `from emmett import ...` gives: the documented names, documented each, and nothing heavy behind them."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys

import pytest

import emmett
from tests.imports import ROOT

DOCUMENTED = [
    "App",
    "AppModule",
    "Channels",
    "Event",
    "HTTPException",
    "Pipe",
    "Response",
    "Websocket",
    "WebsocketClosed",
    "abort",
    "redirect",
    "request",
    "requires",
    "response",
    "sdict",
    "service",
    "session",
    "stream",
    "url",
    "websocket",
]

# The server and the command line: an application that runs elsewhere must not pay for them.
HEAVY = {"click", "httptools", "rich", "uvicorn", "uvloop", "watchfiles"}


def test_the_public_names_are_the_documented_ones() -> None:
    assert sorted(emmett.__all__) == sorted(DOCUMENTED)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_public_name_is_importable_and_says_what_it_is(name: str) -> None:
    # An instance of a builtin type would pass by the docstring of that type.
    value = getattr(emmett, name)
    kind = value if inspect.isclass(value) or inspect.isroutine(value) else type(value)
    assert kind.__module__.startswith("emmett.")
    assert (inspect.getdoc(kind) or "").strip()


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_public_name_is_in_the_documentation(name: str) -> None:
    pages = [path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md"))]
    assert any(name in page for page in pages), f"no page in docs/ names {name}"


def test_importing_emmett_brings_neither_server_nor_command_line() -> None:
    program = "import emmett, json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert HEAVY.isdisjoint(json.loads(run.stdout))


def test_importing_emmett_adds_nothing_public_beside_its_modules() -> None:
    program = (
        "import emmett, json, types;"
        "print(json.dumps([name for name, value in vars(emmett).items()"
        " if not name.startswith('_') and not isinstance(value, types.ModuleType)]))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert sorted(json.loads(run.stdout)) == sorted(DOCUMENTED)
