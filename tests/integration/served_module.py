"""A test's application in a process of its own, for tests that drive a browser without an event loop."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import threading
from collections.abc import Iterator

from tests.integration.example_pages import DEADLINE, ROOT


@contextlib.contextmanager
def served_module(name: str) -> Iterator[str]:
    """Serve the application of a module, and return its URL.

    Arguments:
        name: the module, such as `tests.integration.docs_page_app`.
    """
    command = [sys.executable, "-m", "emmett", "-a", name, "serve", "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    output = ""
    address = None
    for line in process.stdout:
        output += line
        address = re.search(r"http://127\.0\.0\.1:\d+", line)
        if address is not None:
            break
    assert address is not None, output
    reader = threading.Thread(target=process.stdout.read, daemon=True)
    reader.start()
    try:
        yield address.group()
    finally:
        process.terminate()
        try:
            process.wait(DEADLINE)
        finally:
            process.kill()
            reader.join(DEADLINE)
            process.stdout.close()
