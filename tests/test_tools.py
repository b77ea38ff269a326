"""The finder of programs that tests need."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import tools
from tests.tools import FINDERS, HINTS, JSONRPC_CLIENTS, chromium_for_pages, find_tool, tool


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder, which is the whole PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tools, "SERVER_PATH", str(tmp_path))
    monkeypatch.setattr(tools, "NODE_FOLDER", tmp_path)
    return tmp_path


def put(folder: Path, name: str) -> str:
    program = folder / name
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize("name", FINDERS)
def test_a_missing_tool_is_not_found(name: str, folder: Path) -> None:
    assert find_tool(name) is None
    with pytest.raises(LookupError, match=f"{name} was not found: .*install"):
        tool(name)


@pytest.mark.parametrize("program", ["chromium", "chromium-browser", "google-chrome"])
def test_chromium_has_several_names(program: str, folder: Path) -> None:
    path = put(folder, program)
    assert find_tool("chromium") == tool("chromium") == path


def test_pages_are_opened_in_the_headless_shell_where_there_is_one(folder: Path) -> None:
    with pytest.raises(LookupError, match="install Chromium"):
        chromium_for_pages()
    whole = put(folder, "chromium")
    assert chromium_for_pages() == whole
    shell = put(folder, "chromium-headless-shell")
    assert chromium_for_pages() == shell
    assert find_tool("chromium") == whole


def test_node_is_found_only_with_its_ws_package(folder: Path) -> None:
    path = put(folder, "node")
    assert find_tool("node") is None
    (folder / "node_modules" / "ws").mkdir(parents=True)
    assert find_tool("node") == path


def test_jsonrpc_clients_are_found_only_together(folder: Path) -> None:
    path = put(folder, "node")
    for name in JSONRPC_CLIENTS:
        assert find_tool("jsonrpc") is None
        (folder / "node_modules" / name).mkdir(parents=True)
    assert find_tool("jsonrpc") == path


OTHERS = ("asyncapi", "centrifuge", "chromium", "jsonrpc", "node", "pyright", "typescript")
SERVERS = [name for name in FINDERS if name not in OTHERS]


@pytest.mark.parametrize("name", SERVERS)
def test_servers_are_found(name: str, folder: Path) -> None:
    path = put(folder, name)
    assert find_tool(name) == path


def test_an_unknown_tool_is_a_mistake_in_the_test() -> None:
    with pytest.raises(ValueError, match="unknown tool 'firefox'; tests may need apache2, asyncapi, caddy"):
        find_tool("firefox")


def test_every_tool_says_how_to_get_it() -> None:
    assert FINDERS.keys() == HINTS.keys()
