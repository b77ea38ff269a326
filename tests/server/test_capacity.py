"""The number of connections that a process accepts."""

from __future__ import annotations

import subprocess
import sys

import pytest

from emmett.server.capacity import connection_cap, refused_at_once


@pytest.mark.parametrize(
    ("wanted", "files", "cap"),
    [(10_000, None, 10_000), (10_000, 15_001, 10_000), (10_000, 1024, 682), (10, 1024, 10), (10_000, 0, 1)],
)
def test_a_third_of_the_files_is_reserved(wanted: int, files: int | None, cap: int) -> None:
    assert connection_cap(wanted, files) == cap


@pytest.mark.parametrize(("cap", "refused"), [(1, 17), (100, 116), (10_000, 11_250)])
def test_some_connections_over_the_limit_get_a_503(cap: int, refused: int) -> None:
    assert refused_at_once(cap) == refused


def test_refused_connections_leave_files_to_the_application() -> None:
    for files in (256, 1024, 65_536):
        assert refused_at_once(connection_cap(10**6, files)) <= files * 4 // 5


LIMITS = """
import resource, sys
soft, hard, connections = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
from emmett.server.capacity import raise_file_limit
print(raise_file_limit(connections), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize(
    ("soft", "hard", "connections", "raised"),
    [(200, 1000, 10_000, 1000), (200, 1000, 400, 601), (200, 1000, 10, 200), (200, 200, 10_000, 200)],
)
def test_the_limit_of_open_files_is_raised_as_far_as_allowed(
    soft: int, hard: int, connections: int, raised: int
) -> None:
    """This runs in a separate process, because a hard limit cannot be raised again."""
    arguments = [sys.executable, "-c", LIMITS, str(soft), str(hard), str(connections)]
    output = subprocess.run(arguments, capture_output=True, text=True, timeout=180, check=True).stdout
    assert output.split() == [str(raised), str(raised), str(hard)]
