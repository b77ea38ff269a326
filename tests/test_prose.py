"""The wording of docs, docstrings, comments and messages: plain English, without some quirky words."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.imports import ROOT

FOLDERS = (
    *("benchmarks", "clients", "compliance", "docs", "examples", "fuzzing"),
    *("soak", "src", "tests", "tools"),
)
# Folders that tools write.
GENERATED = {"__pycache__", "build", "dist", "node_modules", "results"}
# The number of avoided words in 10,000 words of prose.
LIMIT = 8
# A shorter string, or one without a space, is a name or a value rather than a message.
MIN_MESSAGE = 16

AVOIDED = re.compile(r"\b(?:anew|behind|told|tells|stands?|stood|whoever|nevertheless)\b", re.IGNORECASE)
WORD = re.compile(r"[A-Za-z][A-Za-z'-]*")
# Without those after a string on the same line: `tokenize` finds these, too, but takes seconds for all modules.
COMMENT = re.compile(r"^[^\"'#\n]*#(.*)$", re.MULTILINE)
FENCE = re.compile(r"```.*?```", re.DOTALL)


def prose_of_page(text: str) -> str:
    """Return a Markdown page without its examples."""
    return FENCE.sub("", text)


def prose_of_module(source: str) -> str:
    """Return the comments, docstrings and messages of a module."""
    comments = COMMENT.findall(source)
    strings = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    messages = [text for text in strings if isinstance(text, str) and " " in text and len(text) >= MIN_MESSAGE]
    return "\n".join([*comments, *messages])


def prose_files() -> Iterator[Path]:
    """Yield the pages and modules of the project."""
    yield from ROOT.glob("*.md")
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            parts = path.relative_to(ROOT).parts
            if path.suffix in {".md", ".py"} and not any(part in GENERATED or part[0] == "." for part in parts):
                yield path


def test_examples_and_code_are_not_prose() -> None:
    assert AVOIDED.findall(prose_of_page("It stands.\n```\nhe stood\n```\n")) == ["stands"]
    source = '"""Whoever comes last."""\nname = "behind"\nerror = "the peer was told"\ncount = 1  # anew\n'
    assert sorted(AVOIDED.findall(prose_of_module(source))) == ["Whoever", "anew", "told"]


def test_the_project_is_written_in_plain_english() -> None:
    words = 0
    found: Counter[str] = Counter()
    for path in prose_files():
        text = path.read_text("utf-8")
        prose = prose_of_page(text) if path.suffix == ".md" else prose_of_module(text)
        words += len(WORD.findall(prose))
        found[str(path.relative_to(ROOT))] = len(AVOIDED.findall(prose))
    assert words > 100_000
    rate = 10_000 * found.total() / words
    assert rate < LIMIT, f"{rate:.1f} avoided words in 10,000; most of them in {found.most_common(10)}"
