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

# The server and the command line: an application that runs elsewhere must not pay for them. Then what only some
# applications use: an import of these belongs in the function that needs it.
HEAVY = {
    *("click", "httptools", "rich", "uvicorn", "uvloop", "watchfiles"),
    *("cryptography", "jinja2", "multipart", "nats", "pydantic", "redis"),
    *("difflib", "mimetypes", "multiprocessing", "secrets", "tempfile"),
    *("emmett.asgi.application", "emmett.calls", "emmett.channels", "emmett.http.multipart"),
    *("emmett.http.static_files", "emmett.security", "emmett.sessions", "emmett.streams", "emmett.testing"),
}


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
    # What `site` imports, such as the hooks of an editable install, is not emmett's.
    program = (
        "import json, sys; before = set(sys.modules); import emmett;"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    loaded = set(json.loads(run.stdout))
    # CPython 3.12 imports it with importlib.metadata, which websockets asks for its version.
    allowed = {"tempfile"} if "importlib.resources" in loaded else set()
    assert HEAVY & loaded <= allowed


@pytest.mark.parametrize("name", ["Channels", "Event", "stream"])
def test_a_name_that_is_imported_later_is_the_same_each_time(name: str) -> None:
    assert getattr(emmett, name) is getattr(emmett, name)
    assert name in dir(emmett)


def test_emmett_shows_nothing_but_its_public_names() -> None:
    assert dir(emmett) == sorted(DOCUMENTED)
