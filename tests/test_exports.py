"""What `from emmett import ...` gives: the documented names, and no heavy imports."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys

import pytest

import emmett
from emmett.engine import ENGINE
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

# The server and the command line, which an application on another server must not pay for, and modules that only some
# applications use: the function that needs one of these imports it.
HEAVY = {
    *("click", "httptools", "rich", "uvloop", "watchfiles"),
    *("cryptography", "jinja2", "multipart", "nats", "pydantic", "redis"),
    *("difflib", "mimetypes", "multiprocessing", "secrets", "tempfile"),
    *("emmett.asgi.application", "emmett.calls", "emmett.channels", "emmett.http.multipart"),
    *("emmett.http.static_files", "emmett.security", "emmett.sessions", "emmett.streams", "emmett.testing"),
    *("emmett.tasks", "emmett.wire.deflater", "hashlib"),
}

# Also modules that only requests, JSON, or responses that a server sends later need.
FOR_REQUESTS = {
    *("decimal", "email", "email.utils", "http.cookies", "msgspec", "uuid"),
    *("emmett.dispatch.request_arguments", "emmett.dispatch.request_results", "emmett.http.cookies"),
    *("emmett.json_logs", "emmett.schema", "emmett.typed", "emmett.websockets.json_messages"),
}
# The modules of emmett that an application with a websocket imports.
MOST_MODULES = 95 if ENGINE == "native" else 107


def allowed() -> set[str]:
    """Return what the Python engine imports with `websockets`, which asks `importlib.metadata` for its version."""
    return set() if ENGINE == "native" else {"email", "email.utils", "tempfile"}


def test_the_public_names_are_the_documented_ones() -> None:
    assert sorted(emmett.__all__) == sorted(DOCUMENTED)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_public_name_is_importable_and_has_a_docstring(name: str) -> None:
    # An instance of a builtin type would pass with the docstring of its type.
    value = getattr(emmett, name)
    kind = value if inspect.isclass(value) or inspect.isroutine(value) else type(value)
    assert kind.__module__.startswith("emmett.")
    assert (inspect.getdoc(kind) or "").strip()


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_public_name_is_in_the_documentation(name: str) -> None:
    pages = [path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md"))]
    assert any(name in page for page in pages), f"no page in docs/ names {name}"


def modules_after(program: str) -> set[str]:
    """Return the modules that a program imports, without those of `site`, such as the hooks of an editable install."""
    frame = (
        f"import json, sys; before = set(sys.modules)\n{program}\nprint(json.dumps(sorted(set(sys.modules) - before)))"
    )
    run = subprocess.run([sys.executable, "-c", frame], capture_output=True, text=True, timeout=180, check=True)
    return set(json.loads(run.stdout))


def test_importing_emmett_imports_none_of_its_submodules() -> None:
    assert {name for name in modules_after("import emmett") if name.startswith("emmett.")} == {"emmett.lazy"}


WEBSOCKETS_ALONE = """
from emmett import App, websocket

app = App("app")

@app.websocket("/<str:room>")
async def echo(room):
    await websocket.send(await websocket.receive())
"""
REQUESTS = (
    WEBSOCKETS_ALONE
    + """
@app.route("/")
async def index():
    return "text"
"""
)


def test_an_application_imports_neither_server_nor_command_line() -> None:
    assert HEAVY & modules_after(REQUESTS) <= allowed()


def test_an_application_with_only_websockets_imports_nothing_for_requests() -> None:
    loaded = modules_after(WEBSOCKETS_ALONE)
    assert (HEAVY | FOR_REQUESTS) & loaded <= allowed()


def test_the_imports_of_an_application_do_not_grow() -> None:
    ours = [name for name in modules_after(WEBSOCKETS_ALONE) if name.startswith("emmett")]
    assert len(ours) <= MOST_MODULES


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_lazily_imported_name_is_the_same_object_each_time(name: str) -> None:
    assert getattr(emmett, name) is getattr(emmett, name)
    assert name in dir(emmett)


def test_emmett_has_only_its_public_names() -> None:
    assert dir(emmett) == sorted(DOCUMENTED)
