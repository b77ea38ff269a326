"""The tests on the page about testing pass."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from emmett.testing.brokers import BrokerContract
from tests.docs.pages import page
from tests.docs.programs import programs_of


def test_the_tests_on_the_page_pass(tmp_path: Path) -> None:
    text = page("docs/testing.md").text
    for program in programs_of(page("docs/testing.md")):
        program.save(tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", str(tmp_path)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False)
    own = len(re.findall(r"^def test_", text, re.MULTILINE))
    inherited = sum(name.startswith("test_") for name in dir(BrokerContract))
    # The broker of the example can neither inject bytes nor set the time of its server.
    assert f"{own + inherited - 2} passed, 2 skipped" in run.stdout, run.stdout
