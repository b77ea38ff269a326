"""A change in the server that breaks a client is an error of the compiler, in both languages; others are none."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import pytest

from emmett import App
from emmett.schema.clients import render_python, render_typescript
from tests.integration.client_code import run_mypy, run_pyright, run_tsc
from tests.schema.clients.sample import app as sample

SERVER = """
from collections.abc import AsyncIterator
import msgspec
from emmett import App

app = App(__name__)
calls = app.calls("/api")

class Say(msgspec.Struct):
    room: str
    text: str

class Said(msgspec.Struct):
    number: int
    text: str

calls.emits(Said)

@calls.method()
async def add(a: int, b: int = 0) -> int: ...

@calls.method()
async def say(message: Say) -> Said: ...

@calls.method()
async def answer(prompt: str) -> AsyncIterator[str]:
    yield prompt

@calls.event()
async def typing(room: str) -> None: ...
"""

# Each line uses one thing that a change of the server may break.
TYPESCRIPT = """
import { Api } from "./NAME.js";
export async function use(api: Api): Promise<[number, string]> {
  const sum: number = await api.add({ a: 1, b: 2 });
  const said = await api.say({ room: "a", text: "hi" });
  for await (const word of api.answer({ prompt: "why?" })) console.log(word.length);
  api.typing({ room: "a" });
  api.on("said", (event) => console.log(event.number.toFixed(), event.text));
  return [sum, said.text];
}
"""
PYTHON = """
from NAME import Api, Said, Say
async def use(api: Api) -> tuple[int, str]:
    sum: int = await api.add(a=1, b=2)
    said = await api.say(Say(room="a", text="hi"))
    async for word in api.answer(prompt="why?"): print(word.upper())
    await api.typing(room="a")
    def show(event: Said) -> None: print(event.number + 1, event.text)
    api.on_said(show)
    return sum, said.text
"""


class Change(NamedTuple):
    """A change of the server.

    Fields:
        old, new: what is replaced.
        broken: a part of the line that it breaks in both programs; empty if it breaks nothing.
    """

    old: str
    new: str
    broken: str = ""


MEMBER = "    text: str\n\nclass Said"
TYPING = "async def typing(room: str) -> None: ..."

CHANGES = {
    "nothing": Change("add", "add"),
    "a_new_method": Change("@calls.event()", "@calls.method()\nasync def more() -> int: ...\n\n@calls.event()"),
    "a_new_optional_parameter": Change("b: int = 0", "b: int = 0, c: int = 0"),
    "a_new_member_with_a_default": Change(MEMBER, MEMBER.replace("\n\n", "\n    at: int = 0\n\n")),
    "a_new_member_of_a_result": Change("    number: int\n", "    number: int\n    more: bool\n"),
    "a_method_is_renamed": Change("def add", "def plus", "api.add"),
    "a_parameter_is_renamed": Change("b: int = 0", "c: int = 0", "api.add"),
    "a_parameter_has_another_type": Change("a: int,", "a: str,", "api.add"),
    "a_new_required_parameter": Change("a: int,", "a: int, z: int,", "api.add"),
    "a_result_has_another_type": Change("b: int = 0) -> int", "b: int = 0) -> str", "api.add"),
    "a_call_is_a_stream_now": Change("-> int: ...", "-> AsyncIterator[int]:\n    yield a", "api.add"),
    "a_member_of_parameters_is_removed": Change("    room: str\n    text", "    text", "api.say"),
    "items_have_another_type": Change("AsyncIterator[str]", "AsyncIterator[int]", "api.answer"),
    "an_event_is_removed": Change(TYPING, TYPING.replace("typing", "typed"), "api.typing"),
    "a_member_of_an_event_is_renamed": Change("    number: int", "    count: int", "event.number"),
    "an_emitted_event_is_removed": Change("calls.emits(Said)", "", "api.on"),
}


def serve(change: Change) -> App:
    """Return the application after a change."""
    assert change.old in SERVER
    names: dict[str, object] = {"__name__": "server"}
    exec(SERVER.replace(change.old, change.new, 1), names)
    app = names["app"]
    assert isinstance(app, App)
    return app


# One change of each kind, for the slower checker.
KINDS = (
    *("nothing", "a_new_member_of_a_result", "a_method_is_renamed", "a_parameter_has_another_type"),
    *("a_new_required_parameter", "a_call_is_a_stream_now", "an_event_is_removed", "a_member_of_an_event_is_renamed"),
)


def check(broken: dict[str, set[str]], names: Collection[str] = CHANGES.keys()) -> None:
    """Check that each change breaks exactly the line that it names, or none."""
    assert set(broken) == {name for name in names if CHANGES[name].broken}
    for name, lines in broken.items():
        assert any(CHANGES[name].broken in line for line in lines), (name, lines)


@pytest.mark.needs("typescript")
def test_changes_break_the_expected_lines_in_typescript(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"type": "module"}')
    for name, change in CHANGES.items():
        (tmp_path / f"{name}.ts").write_text(render_typescript(serve(change).describe()), "utf-8")
        (tmp_path / f"use_{name}.ts").write_text(TYPESCRIPT.replace("NAME", name), "utf-8")
    output = run_tsc(tmp_path, "--noEmit", *(f"use_{name}.ts" for name in CHANGES))
    lines = TYPESCRIPT.splitlines()
    broken: defaultdict[str, set[str]] = defaultdict(set)
    for name, line in re.findall(r"^use_(\w+)\.ts\((\d+),\d+\): error", output, re.MULTILINE):
        broken[name].add(lines[int(line) - 1])
    assert re.search(r"^(?!use_)\w+\.ts", output, re.MULTILINE) is None, output
    check(broken)


def write_python(folder: Path, names: Collection[str] = CHANGES.keys()) -> None:
    # A client with types of all kinds must pass, too.
    (folder / "sample.py").write_text(render_python(sample.describe()), "utf-8")
    for name in names:
        (folder / f"{name}.py").write_text(render_python(serve(CHANGES[name]).describe()), "utf-8")
        (folder / f"use_{name}.py").write_text(PYTHON.replace("NAME", name), "utf-8")


def test_changes_break_the_expected_lines_in_python_with_mypy(tmp_path: Path) -> None:
    write_python(tmp_path)
    output = run_mypy(tmp_path, "sample.py", *(f"use_{name}.py" for name in CHANGES))
    lines = PYTHON.splitlines()
    broken: defaultdict[str, set[str]] = defaultdict(set)
    for name, line in re.findall(r"^use_(\w+)\.py:(\d+): error", output, re.MULTILINE):
        broken[name].add(lines[int(line) - 1])
    assert re.search(r"^(?!use_)\w+\.py:\d+: error", output, re.MULTILINE) is None, output
    check(broken)


@pytest.mark.needs("pyright")
def test_changes_break_the_expected_lines_in_python_with_pyright(tmp_path: Path) -> None:
    write_python(tmp_path, KINDS)
    lines = PYTHON.splitlines()
    broken: defaultdict[str, set[str]] = defaultdict(set)
    for file, line, message in run_pyright(tmp_path):
        assert file.startswith("use_"), (file, line, message)
        broken[file.removeprefix("use_").removesuffix(".py")].add(lines[line - 1])
    check(broken, KINDS)
