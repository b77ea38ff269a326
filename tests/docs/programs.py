"""The programs of the documents: blocks of Python as the files that a reader would save."""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import emmett.urls
from emmett import App
from tests.docs.pages import Block, Page, pages

# The imports that an example without an application relies on; docs/README.md lists them for the reader.
PREAMBLE = """\
from emmett import App, Pipe, WebsocketClosed, abort, redirect, request, requires, response, service, url, websocket

app = App(__name__)
"""


_DECORATOR = re.compile(
    r"^(?:@\w+\.(?:route|websocket)\(|\w+ = \w+\.calls\(|\w+ = Centrifuge\()|\bapi_keys=", re.MULTILINE
)


class Program(NamedTuple):
    """Files that a reader would save and run.

    Fields:
        blocks: its blocks: one, or several with file names under one heading.
        transcripts: the blocks with the commands to type while it runs.
    """

    blocks: tuple[Block, ...]
    transcripts: tuple[Block, ...]

    def __str__(self) -> str:
        return str(self.blocks[0])

    @property
    def files(self) -> dict[str, str]:
        """The text of each file by its name; a program in one block is `app.py`."""
        return {block.file_name or "app.py": _completed(block) for block in self.blocks}

    @property
    def module(self) -> str:
        """The module that makes the application."""
        names = [name for name, text in self.files.items() if "= App(" in text]
        assert len(names) == 1, f"{self}: expected one file that makes an App, found {names}"
        return names[0].removesuffix(".py").replace("/", ".")

    @property
    def is_only_tests(self) -> bool:
        """Whether it is tests without an application, which the tests of their page run."""
        return all(name.startswith("test_") and "= App(" not in text for name, text in self.files.items())

    @property
    def decorators(self) -> int:
        """The number of routes that it claims to register."""
        return sum(len(_DECORATOR.findall(block.text)) for block in self.blocks)

    def save(self, folder: Path) -> None:
        """Write its files into a folder."""
        for name, text in self.files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")

    @contextlib.contextmanager
    def loaded(self, folder: Path) -> Iterator[App]:
        """Import it from a folder, and remove it from the imported modules afterwards."""
        self.save(folder)
        before = set(sys.modules)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "dont_write_bytecode", True)
            patch.syspath_prepend(folder)
            patch.setattr(emmett.urls, "_places", [])
            try:
                app = importlib.import_module(self.module).app
                assert isinstance(app, App)
                yield app
            finally:
                for name in set(sys.modules) - before:
                    # A folder without `__init__.py` is a package too, which has a path but no file.
                    places = (getattr(sys.modules[name], attribute, None) for attribute in ("__file__", "__path__"))
                    if any(str(folder) in str(place) for place in places):
                        del sys.modules[name]


def _completed(block: Block) -> str:
    return block.text if block.file_name or "= App(" in block.text else f"{PREAMBLE}\n\n{block.text}"


def programs() -> list[Program]:
    """Return the programs of all pages."""
    return [program for page in pages() for program in programs_of(page)]


def programs_of(page: Page) -> list[Program]:
    """Return the programs of a page. A transcript belongs to the program above it."""
    found: list[tuple[list[Block], list[Block]]] = []
    for block in page.blocks:
        if block.language == "python":
            above = found[-1][0][-1] if found else None
            if above and above.file_name and block.file_name and above.heading == block.heading:
                found[-1][0].append(block)
            else:
                found.append(([block], []))
        elif block.language == "jinja":
            assert found, f"{block}: there is no program above this template"
            assert block.file_name, f"{block}: a template needs its name: {{# templates/page.html #}}"
            found[-1][0].append(block)
        elif block.language == "console":
            assert found, f"{block}: there is no program above this transcript"
            found[-1][1].append(block)
    return [Program(tuple(code), tuple(transcripts)) for code, transcripts in found]
