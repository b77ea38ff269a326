"""A certificate for the servers, made for this machine and signed by itself."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from benchmarks.environments import BENCH_FOLDER, make_folder

VALID = datetime.timedelta(days=365)
# One that ends within this time is made anew.
RENEWED = datetime.timedelta(days=2)


class CertificateFiles(NamedTuple):
    """Where a certificate and its key are, PEM."""

    certificate: Path
    key: Path


def certificate(folder: Path = BENCH_FOLDER) -> CertificateFiles:
    """Return a certificate for 127.0.0.1, and make it unless there is one."""
    files = CertificateFiles(folder / "tls" / "certificate.pem", folder / "tls" / "key.pem")
    if not _is_valid(files):
        make_folder(folder)
        files.certificate.parent.mkdir(exist_ok=True)
        _make(files)
    return files


def _is_valid(files: CertificateFiles) -> bool:
    try:
        found = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    except (OSError, ValueError):
        return False
    return files.key.exists() and found.not_valid_after_utc > datetime.datetime.now(datetime.UTC) + RENEWED


def _make(files: CertificateFiles) -> None:
    # The curve that most sites use.
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files.key.touch(mode=0o600)
    files.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
