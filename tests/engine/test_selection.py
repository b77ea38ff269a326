from __future__ import annotations

import os
import subprocess
import sys

import pytest

from emmett.engine.selection import choose_engine
from tests.engine.engines import HAS_NATIVE


@pytest.mark.parametrize(
    ("asked", "is_built", "chosen"),
    [
        (None, True, "native"),
        ("", True, "native"),
        (None, False, "python"),
        ("python", True, "python"),
        ("python", False, "python"),
        ("native", True, "native"),
    ],
)
def test_the_native_engine_runs_if_built_unless_another_is_requested(
    asked: str | None, is_built: bool, chosen: str
) -> None:
    assert choose_engine(asked, is_built) == chosen


def test_an_engine_that_is_missing_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(ImportError, match=r"EMMETT_ENGINE=native, but .* not built: .*C compiler"):
        choose_engine("native", is_built=False)


def test_an_unknown_engine_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(ImportError, match="EMMETT_ENGINE='rust' is no engine; it is native or python"):
        choose_engine("rust", is_built=True)


@pytest.mark.parametrize(
    "name", ["python", pytest.param("native", marks=pytest.mark.skipif(not HAS_NATIVE, reason=""))]
)
def test_the_variable_decides_for_the_whole_package(name: str) -> None:
    program = "import emmett.engine, emmett.wire.frames as f; print(emmett.engine.ENGINE, f.FrameReader.feed)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "EMMETT_ENGINE": name},
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    assert done.stdout.startswith(f"{name} ")
    assert ("BaseReader.feed at" in done.stdout) == (name == "python")
