"""Schemathesis reads the OpenAPI document, and sends requests that it allows and requests that it does not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.integration.example_pages import ExampleServer

DEADLINE = 100.0


def test_every_request_is_answered_as_the_document_says(tmp_path: Path) -> None:
    server = ExampleServer("orders", path="tests/integration/typed_requests_app.py")
    try:
        program = str(Path(sys.executable).with_name("schemathesis"))
        # All checks: no status of 500, no undocumented status, results that match their schemas, requests that are
        # forbidden refused, requests that are allowed accepted, unknown methods refused.
        command = [program, "run", f"{server.url.rstrip('/')}/openapi.json", "--max-examples", "25", "--no-color"]
        done = subprocess.run(
            [*command, "--generation-deterministic"],
            cwd=tmp_path,
            env={**os.environ, "SCHEMATHESIS_HOOKS": str(Path(__file__).with_name("schemathesis_hooks.py"))},
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
    finally:
        status = server.stop()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Tested: 3" in done.stdout
    passed = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) == int(passed[2]) > 200
    assert status == 0
    assert "Traceback" not in server.output
    assert "ERROR" not in server.output
