"""The table of docs/reliability.md names existing tests, and has every line."""

from __future__ import annotations

import ast
import re
from functools import cache

from tests.imports import ROOT

PAGE = (ROOT / "docs" / "reliability.md").read_text("utf-8")
ROWS = re.findall(r"^\| (\d+) \|.*\| ([^|]+) \|$", PAGE, re.MULTILINE)
NAMED = sorted(set(re.findall(r"`((?:tests/[\w/]+/)?test_\w+\.py(?:::\w+)?)`", PAGE)))


def test_all_lines_exist_in_order() -> None:
    numbers = [int(number) for number, _ in ROWS]
    assert numbers[:78] == [*range(1, 79)]
    assert numbers == sorted(set(numbers))


def test_every_line_has_a_test() -> None:
    assert [number for number, tests in ROWS if "test_" not in tests] == []


def test_the_named_tests_exist() -> None:
    assert len(NAMED) > 100
    assert [name for name in NAMED if not exists(name)] == []


def exists(name: str) -> bool:
    path, _, function = name.partition("::")
    path = path if path.startswith("tests/") else f"tests/integration/{path}"
    return (ROOT / path).is_file() and (not function or function in functions_of(path))


@cache
def functions_of(path: str) -> set[str]:
    nodes = ast.walk(ast.parse((ROOT / path).read_text("utf-8")))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
