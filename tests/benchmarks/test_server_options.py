from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from benchmarks.server_options import ServerOptions
from benchmarks.stage import certificate

ALL = ServerOptions("127.0.0.1", 1, "/c.pem", "/k.pem", deflate=True, workers=3, connections=12, mode="funnel")


@pytest.mark.parametrize("options", [ServerOptions("::1", 8000), ALL])
def test_options_survive_the_environment(options: ServerOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in options.environment().items():
        monkeypatch.setenv(name, value)
    assert ServerOptions.from_environment() == options


def test_a_process_that_the_benchmark_did_not_start_has_none() -> None:
    with pytest.raises(KeyError, match="BENCH_OPTIONS"):
        ServerOptions.from_environment()


def test_tls_is_used_only_with_a_certificate(tmp_path: Path) -> None:
    files = certificate(tmp_path)
    assert certificate(tmp_path) == files
    assert ServerOptions("127.0.0.1", 1).tls() is None
    context = ServerOptions("127.0.0.1", 1, *files).tls()
    assert isinstance(context, ssl.SSLContext)
