"""Fixtures of the command line's tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.project import Project


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """An empty current folder. Whatever its applications change in this process is restored."""
    folder = tmp_path.resolve() / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setattr("emmett.urls._places", [])
    # Set first, so that monkeypatch restores the variables even if only the application changes them.
    for variable in ("PYTHONPATH", "EMMETT_APP", "EMMETT_DEVELOP", "EMMETT_TRACEBACK", "EMMETT_LOG_FORMAT", "COLUMNS"):
        monkeypatch.setenv(variable, "")
        monkeypatch.delenv(variable)
    before = set(sys.modules)
    yield Project(folder, capsys, monkeypatch)
    for name in set(sys.modules) - before:
        if str(folder) in str(getattr(sys.modules[name], "__file__", "") or getattr(sys.modules[name], "__path__", "")):
            del sys.modules[name]
