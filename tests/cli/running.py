"""The command line in a process of its own, whose output is read while it runs."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

# Seconds within which an expected line must appear.
DEADLINE = 30.0


class Running:
    """A process whose stdout and stderr arrive as one text.

    Arguments:
        process: it writes both into one pipe.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.text = ""
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._read_to = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, pattern: str, nudge: Callable[[], object] | None = None) -> re.Match[str]:
        """Wait for a pattern in the output after the previous match.

        Arguments:
            pattern: a regular expression.
            nudge: called now, and again after a second without output, two, four...: it causes what an observer that
                was not there yet has missed.
        """
        end = time.monotonic() + DEADLINE
        pause = 1.0
        if nudge is not None:
            nudge()
        while not (match := re.compile(pattern).search(self.text, self._read_to)):
            assert time.monotonic() < end, f"{pattern!r} did not appear in:\n{self.text}"
            try:
                line = self._lines.get(timeout=pause)
            except queue.Empty:
                if nudge is not None:
                    nudge()
                # A machine under load may need longer to react to the nudge.
                pause *= 2
                continue
            assert line is not None, f"the process ended without {pattern!r}:\n{self.text}"
            self.text += line
        self._read_to = match.end()
        return match

    def wait_for_all(self, *patterns: str) -> None:
        """Wait until each of these regular expressions is in the output after the previous match, in any order."""
        begin = self._read_to
        ends = []
        for pattern in patterns:
            self._read_to = begin
            ends.append(self.wait_for(pattern).end())
        self._read_to = max(ends)

    def connect(self, port: int) -> socket.socket:
        """Connect to a port of 127.0.0.1, retrying until the process listens, which it does not report."""
        end = time.monotonic() + DEADLINE
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
            except ConnectionRefusedError:
                assert time.monotonic() < end, f"nothing listens on port {port}:\n{self.text}"
                assert self.process.poll() is None, f"the process ended without listening:\n{self.text}"
                time.sleep(0.02)

    def get(self, port: int, path: str = "/") -> tuple[int, str]:
        """Send a request to a port of 127.0.0.1; return the status and the body of the answer."""
        return request(self.connect(port), path)

    def stop(self, number: signal.Signals) -> int:
        """Send a signal to the process, not to its children, and return the exit code."""
        self.process.send_signal(number)
        return self._ended()

    def interrupt(self) -> int:
        """Send SIGINT like Ctrl+C on a terminal, also to the child processes, and return the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self._ended()

    def _ended(self) -> int:
        code = self.process.wait(DEADLINE)
        self.join()
        while (line := self._lines.get(timeout=DEADLINE)) is not None:
            self.text += line
        return code

    def join(self) -> None:
        """Wait until the output has been read to its end."""
        self._reader.join(DEADLINE)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)


def request(connection: socket.socket, path: str = "/") -> tuple[int, str]:
    """Send a request over a connection and close it; return the status and the body of the answer."""
    client = HTTPConnection("localhost")
    client.sock = connection
    with contextlib.closing(client):
        client.request("GET", path)
        response = client.getresponse()
        return response.status, response.read().decode()


@contextlib.contextmanager
def run_module(folder: Path, *arguments: str) -> Iterator[Running]:
    """Run `python -m ...` in a folder; it and its children are ended with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )
    with process:
        running = Running(process)
        try:
            yield running
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            # The pipe is closed next, so the reader must have ended.
            running.join()


def run_emmett(folder: Path, *arguments: str) -> contextlib.AbstractContextManager[Running]:
    """Run `python -m emmett` in a folder; it and its children are ended with the block."""
    return run_module(folder, "emmett", *arguments)
