from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import pytest

from benchmarks import certificate as module
from benchmarks.certificate import certificate


def test_a_certificate_is_made_once_and_fits_its_key(tmp_path: Path) -> None:
    files = certificate(tmp_path)
    made = files.certificate.read_bytes()
    assert certificate(tmp_path) == files
    assert files.certificate.read_bytes() == made
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*files)
    assert files.key.stat().st_mode & 0o077 == 0


def test_one_that_is_about_to_end_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "VALID", datetime.timedelta(hours=1))
    first = certificate(tmp_path).certificate.read_bytes()
    assert certificate(tmp_path).certificate.read_bytes() != first


def test_a_broken_one_is_made_anew(tmp_path: Path) -> None:
    files = certificate(tmp_path)
    files.certificate.write_text("nonsense")
    assert b"BEGIN CERTIFICATE" in certificate(tmp_path).certificate.read_bytes()
