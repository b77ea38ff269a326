"""The documents for users: their pages, and the blocks of code in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^(?P<fence>`{3,})(?P<language>[^`\n]*)\n(?P<text>.*?)^(?P=fence) *$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#{1,6}) +(.+?) *$", re.MULTILINE)
_FILE_NAME = re.compile(r"(?:# (?P<module>[\w/]+\.py)|\{# (?P<template>[\w/]+\.\w+) #\})\n")


class Block(NamedTuple):
    """A fenced block.

    Fields:
        page: the page it is on, from the root of the project.
        line: the number of its first line.
        language: what follows the fence.
        text: what is in it.
        heading: the heading above it.
    """

    page: str
    line: int
    language: str
    text: str
    heading: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def file_name(self) -> str | None:
        """The file name on its first line, `# shop/blog.py` or `{# templates/page.html #}`, if there is one."""
        named = _FILE_NAME.match(self.text)
        return (named["module"] or named["template"]) if named else None


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes:
        path: where it is.
        text: its whole text.
    """

    path: Path
    text: str

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def prose(self) -> str:
        """The text without fenced code."""
        return _FENCE.sub("", self.text)

    @cached_property
    def blocks(self) -> list[Block]:
        """All fenced blocks, from top to bottom."""
        return [
            Block(
                str(self),
                self.text.count("\n", 0, found.start()) + 2,
                found["language"].strip(),
                found["text"],
                self._heading_before(found.start()),
            )
            for found in _FENCE.finditer(self.text)
        ]

    @property
    def anchors(self) -> set[str]:
        """The valid anchors of links to this page: the headings as GitHub spells them."""
        return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for _, title in _HEADING.findall(self.prose)}

    def table(self, *titles: str) -> list[list[str]]:
        """Return the cells of all rows below these column titles, from top to bottom, in however many tables."""
        rows: list[list[str]] = []
        inside = False
        for line in self.prose.splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
            if not cells:
                inside = False
            elif cells == list(titles):
                inside = True
            elif inside and set("".join(cells)) != {"-"}:
                rows.append(cells)
        return rows

    def _heading_before(self, position: int) -> str:
        title = ""
        fences = [found.span() for found in _FENCE.finditer(self.text)]
        for found in _HEADING.finditer(self.text, 0, position):
            # A comment in a block looks like a heading.
            if not any(start < found.start() < end for start, end in fences):
                title = found[2]
        return title


@cache
def pages() -> list[Page]:
    """Return the README and all pages of docs/."""
    paths = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
    return [Page(path, path.read_text("utf-8")) for path in paths]


def page(name: str) -> Page:
    """Return a page by its path from the root of the project."""
    return next(each for each in pages() if str(each) == name)


def blocks(*languages: str) -> Iterator[Block]:
    """Yield the blocks of all pages in these languages, or all of them."""
    for each in pages():
        yield from (block for block in each.blocks if not languages or block.language in languages)
