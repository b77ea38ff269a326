"""Transcripts in the documents: the commands that a reader types while a program runs, and their output.

Three commands may follow the `$`: `curl`, `websockets`, the client that comes with the library of this name, and
`emmett`. The first two are played by clients of ours, so that a test needs no program and no terminal.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.frames import Close

from tests.docs.pages import ROOT

ADDRESS = "127.0.0.1:8000"


class Command(NamedTuple):
    """A command and the lines below it."""

    words: list[str]
    lines: list[str]


def commands(transcript: str) -> Iterator[Command]:
    """Parse a transcript."""
    command: Command | None = None
    for line in transcript.splitlines():
        if line.startswith("$ "):
            if command is not None:
                yield command
            command = Command(shlex.split(line[2:]), [])
        else:
            assert command is not None, f"a transcript begins with `$ `, not with {line!r}"
            command.lines.append(line)
    assert command is not None, "the transcript is empty"
    yield command


async def play(transcript: str, port: int, folder: Path) -> None:
    """Run the commands of a transcript and compare the output.

    Arguments:
        transcript: the text, in which the server listens on port 8000.
        port: the actual port.
        folder: the one with the program, where the commands are typed.
    """
    for command in commands(transcript):
        name, *arguments = command.words
        if name == "curl":
            await _curl(arguments, command.lines, port)
        elif name == "websockets":
            await _websockets(arguments, command.lines, port)
        elif name == "emmett":
            await asyncio.to_thread(_emmett, arguments, command.lines, folder)
        else:
            raise AssertionError(f"{name!r} in a transcript: only curl, websockets and emmett can be played")


_options = argparse.ArgumentParser(prog="curl", allow_abbrev=False, add_help=False, exit_on_error=False)
_options.add_argument("url")
_options.add_argument("-i", dest="include", action="store_true")
_options.add_argument("-I", dest="head", action="store_true")
_options.add_argument("-X", dest="method")
_options.add_argument("-H", dest="headers", action="append", default=[])
_options.add_argument("-b", dest="cookies")
_options.add_argument("-d", dest="form")
_options.add_argument("--json")
_options.add_argument("-F", dest="parts", action="append", default=[])


async def _curl(arguments: list[str], lines: list[str], port: int) -> None:
    """Play curl. With -i and -I only the header fields that the transcript shows are compared."""
    given = _options.parse_args(arguments)
    headers = dict(header.split(": ", 1) for header in given.headers)
    content: str | None = None
    if given.form is not None:
        content = given.form
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    elif given.json is not None:
        content = given.json
        headers["Content-Type"] = "application/json"
    elif given.parts:
        content = "".join(f"--x\r\n{_form_part(each)}\r\n" for each in given.parts) + "--x--\r\n"
        headers["Content-Type"] = "multipart/form-data; boundary=x"
    if given.cookies is not None:
        headers["Cookie"] = given.cookies
    method = given.method or ("HEAD" if given.head else "GET" if content is None else "POST")
    headers.setdefault("Host", ADDRESS)
    # Without `verify=False` each client reads all certificates of the system, which takes longer than the request.
    async with httpx.AsyncClient(verify=False) as client:
        answer = await client.request(method, _elsewhere(given.url, port), content=content, headers=headers)
    if given.include or given.head:
        lines = _compare_head(answer, lines)
    _compare(answer.text.rstrip("\n"), "\n".join(lines))


def _form_part(option: str) -> str:
    """Return a part of a form from the argument of -F: `name=content;filename=name;type=text/plain`."""
    name, _, rest = option.partition("=")
    content, *parameters = rest.split(";")
    given = dict(parameter.split("=", 1) for parameter in parameters)
    head = f'Content-Disposition: form-data; name="{name}"'
    if "filename" in given:
        head += f'; filename="{given["filename"]}"'
    if "type" in given:
        head += f"\r\nContent-Type: {given['type']}"
    return f"{head}\r\n\r\n{content}"


def _compare_head(answer: httpx.Response, lines: list[str]) -> list[str]:
    """Compare status and fields; return the remaining lines, which are the body."""
    status, *rest = lines
    _compare(f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}".rstrip(), status)
    end = rest.index("") if "" in rest else len(rest)
    sent = [f"{name}: {value}" for name, value in answer.headers.multi_items()]
    for field in rest[:end]:
        assert field in sent, f"the document says {field!r}; received: {sent}"
    return rest[end + 1 :]


async def _websockets(arguments: list[str], lines: list[str], port: int) -> None:
    """Play the interactive client of websockets: `>` marks input, `<` received messages."""
    (url,) = arguments
    assert ADDRESS in url
    expected, *dialogue = lines
    async with asyncio.timeout(10):
        try:
            client = await connect(url, host="127.0.0.1", port=port)
        except InvalidStatus as error:
            _compare("\n".join([f"Failed to connect to {url}: {error}.", *dialogue]), expected)
            return
        _compare(f"Connected to {url}.", expected)
        async with client:
            for line in dialogue:
                if line.startswith("> "):
                    await client.send(line[2:])
                elif line.startswith("< "):
                    message = await client.recv()
                    shown = message if isinstance(message, str) else f"(binary) {message.hex()}"
                    _compare(f"< {shown}", line)
                else:
                    await client.wait_closed()
                    assert client.close_code is not None
                    _compare(f"Connection closed: {Close(client.close_code, client.close_reason or '')}.", line)


def _emmett(arguments: list[str], lines: list[str], folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "emmett", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "120"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
    )
    _compare("\n".join(line.rstrip() for line in done.stdout.rstrip("\n").split("\n")), "\n".join(lines))


def _compare(came: str, documented: str) -> None:
    assert came == documented, f"the document says:\n{documented}\nreceived:\n{came}"


def _elsewhere(url: str, port: int) -> str:
    assert ADDRESS in url, f"{url}: the server of a transcript listens on {ADDRESS}"
    return url.replace(ADDRESS, f"127.0.0.1:{port}")
