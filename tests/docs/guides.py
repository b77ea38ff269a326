"""The guides for users of other frameworks: their programs, in blocks of `py`, next to ours, in blocks of `python`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection

from tests.docs.pages import page
from tests.docs.programs import Program, programs_of
from tests.integration.servers import run_asgi, run_emmett


def our_program(guide: str, heading: str) -> Program:
    """Return the program in emmett below a heading of a guide."""
    (program,) = (each for each in programs_of(page(guide)) if each.blocks[0].heading == heading)
    return program


def their_files(guide: str, *headings: str) -> dict[str, str]:
    """Return the files of another framework below headings of a guide, or of the whole guide; by default `main.py`."""
    blocks = [
        block for block in page(guide).blocks if block.language == "py" and (not headings or block.heading in headings)
    ]
    assert blocks, f"{guide}: nothing in `py` below {headings}"
    return {block.file_name or "main.py": block.text for block in blocks}


@contextlib.contextmanager
def loaded(files: dict[str, str], name: str, folder: Path) -> Iterator[ModuleType]:
    """Import one of these files from a folder, and remove all of them from the imported modules afterwards."""
    for file, text in files.items():
        (folder / file).write_text(text, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)
        patch.syspath_prepend(folder)
        try:
            yield import_module(name)
        finally:
            for file in files:
                sys.modules.pop(file.removesuffix(".py"), None)


@contextlib.asynccontextmanager
async def serve_ours(guide: str, heading: str, folder: Path) -> AsyncIterator[str]:
    """Serve the program in emmett below a heading. Yields host and port."""
    with our_program(guide, heading).loaded(folder) as app:
        async with run_emmett(app) as running:
            yield f"127.0.0.1:{running.port}"


@contextlib.asynccontextmanager
async def serve_theirs(guide: str, heading: str, folder: Path, **options: Any) -> AsyncIterator[str]:
    """Serve the program of another framework below a heading, on uvicorn. Yields host and port."""
    with loaded(their_files(guide, heading), "main", folder) as module:
        async with serve_asgi(module.app, **options) as address:
            yield address


@contextlib.asynccontextmanager
async def serve_asgi(app: Any, **options: Any) -> AsyncIterator[str]:
    """Serve an ASGI application on uvicorn. Yields host and port."""
    config = uvicorn.Config(
        app, port=0, **{"ws": "websockets-sansio", "lifespan": "auto", "log_config": None, **options}
    )
    async with run_asgi(uvicorn.Server(config)) as running:
        yield f"127.0.0.1:{running.port}"


async def hear(client: ClientConnection, text: str) -> list[str | bytes]:
    """Receive until a certain message comes, and return all messages up to it."""
    heard = [await client.recv()]
    while heard[-1] != text:
        heard.append(await client.recv())
    return heard


SIDES = pytest.mark.parametrize("serve", [serve_theirs, serve_ours], ids=["theirs", "ours"])
