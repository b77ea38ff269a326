"""The source tree: a test file for each module, files of readable length, documents that match the code."""

from __future__ import annotations

import ast
import re
import statistics
import tomllib
from pathlib import Path

from tests.imports import ROOT, SOURCE, source_files
from tests.layers import TABLE

TESTS = ROOT / "tests"
LONGEST = 500
MEDIAN = 150

# Modules without a test file of their own, and why. (An `__init__.py` that only gathers names needs none.)
WITHOUT_TEST = {
    "emmett.__main__": "only calls the command line; tests/cli/ starts it as a process",
    "emmett.asgi.types": "names for types, which mypy checks",
    "emmett.centrifuge.claims": "types and a port without code; tests/centrifuge/test_tokens.py fills it",
    "emmett.centrifuge.hooks": "names for functions; the tests of the commands call them",
    "emmett.centrifuge.ports": "ports without code; the tests of sessions fill them",
    "emmett.channels.brokers.port": "a port without code; its brokers have the tests",
    "emmett.engine.masking": "an import that may fail; tests/wire runs it",
    "emmett.engine.python.encoding": "tests/wire/test_encoding.py and tests/engine/test_differential.py",
    "emmett.engine.messages": "types and ports without code; the engines take them",
    "emmett.engine.python.batch": "tests/engine/test_batch.py",
    "emmett.engine.python.inbox": "tests/websockets/test_inbox.py",
    "emmett.engine.python.outbox": "tests/websockets/test_outbox.py",
    "emmett.engine.python.reading": "tests/server/test_websocket_reading.py",
    "emmett.engine.python.websocket": "tests/engine/test_calls.py and tests/websockets/test_websocket.py",
    "emmett.engine.python.reader": "tests/engine/test_reader.py, and tests/wire/test_frames.py on the engine that runs",
    "emmett.routing.building": "a part of PathPattern; tests/routing/test_patterns.py and test_urls.py",
    "emmett.routing.charsets": "the alphabets of the expressions; tests/routing/test_expressions.py",
    "emmett.routing.tables": "a part of Router; tests/routing/test_router.py",
    "emmett.schema.description": "types without code; tests/schema/test_describing.py fills them",
    "emmett.server.websocket_process": "a port without code; the tests of the websocket protocol fill it",
    "emmett.inspector.answers": "types without code; the tests of the nodes and of the page fill them",
    "emmett.inspector.inspected": "a port, and a loop over users; tests/inspector/test_inspector.py lists users",
    "emmett.inspector.reports": "types without code; tests/inspector/test_inspector.py fills them",
    "emmett.pacing": "four numbers; tests/channels/test_closing.py, tests/server/test_process_state.py and others",
    "emmett.command_names": "names without code; tests/cli/test_main.py",
    "emmett.environment": "names without code; the tests of who reads them",
    "emmett.sessions.ports": "types and ports without code; its keepers and stores have the tests",
    "emmett.telemetry.sink": "a port without code; measuring and both kinds of sinks have the tests",
    "emmett.websockets.connection": "a port without code; its adapters have the tests",
    "emmett.websockets.hooks": "one constant and its type; the pipeline's tests use it",
}

MODULES = {name: path for name, path in source_files().items() if path.name != "__init__.py"}
PACKAGES = {name: path for name, path in source_files().items() if path.name == "__init__.py"}


def mirrors(path: Path) -> list[Path]:
    """Return the test files of a module: test_frames.py, or several parts test_frames_....py."""
    folder = TESTS / path.relative_to(SOURCE / "emmett").parent
    stem = path.stem.strip("_")
    return [*folder.glob(f"test_{stem}.py"), *folder.glob(f"test_{stem}_*.py")]


def test_every_module_has_its_tests() -> None:
    assert [fault for module in sorted(MODULES) if (fault := fault_of_tests(module))] == []


def fault_of_tests(module: str) -> str:
    """Return what is wrong with the tests of a module, or nothing."""
    found = mirrors(MODULES[module])
    if module in WITHOUT_TEST:
        return f"{module} has a test file now; take it off WITHOUT_TEST" if found else ""
    expected = Path("tests", *module.split(".")[1:-1], f"test_{MODULES[module].stem.strip('_')}.py")
    return "" if found else f"write {expected}, or name {module} in WITHOUT_TEST with the reason"


def test_every_exception_names_a_module() -> None:
    assert set(WITHOUT_TEST) <= set(MODULES)


def test_an_init_module_only_gathers_names() -> None:
    lines = [
        f"{path}:{node.lineno}: code belongs into a module of its own"
        for path in PACKAGES.values()
        for node in ast.parse(path.read_text("utf-8")).body
        if not isinstance(node, ast.Import | ast.ImportFrom) and not _is_plain(node)
    ]
    assert lines == []


def _is_plain(node: ast.stmt) -> bool:
    """Return whether a statement is a docstring, the list of public names, or names that are imported later."""
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING" and all(isinstance(each, ast.ImportFrom) for each in node.body)
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0]) in ("__all__", "(__getattr__, __dir__)")
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def written_files() -> list[Path]:
    folders = ("src", "tests", "examples", "benchmarks", "compliance", "fuzzing", "soak", "tools")
    kinds = {".py", ".sh", ".js", ".mjs", ".css", ".html"}
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in kinds]
    return [path for path in files if "node_modules" not in path.parts]


def length(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def test_no_file_is_too_long_to_read() -> None:
    too_long = {str(path.relative_to(ROOT)): length(path) for path in written_files() if length(path) > LONGEST}
    assert not too_long, f"more than {LONGEST} lines; cut at a concept: {too_long}"


def test_most_modules_are_short() -> None:
    assert statistics.median(length(path) for path in MODULES.values()) < MEDIAN


def test_docs_design_shows_the_layers_that_are_enforced() -> None:
    design = (ROOT / "docs" / "design.md").read_text("utf-8")
    assert TABLE in design, f"docs/design.md must contain the table of tests/layers.py, word for word:\n\n{TABLE}"


def test_the_changelog_starts_with_the_current_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    first = re.search(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert first is not None
    assert first[1] == version, "the topmost section of CHANGELOG.md must be that of the version in pyproject.toml"
