from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from emmett.centrifuge import Disconnected
from emmett.centrifuge.keys import JWKS_PAUSE, JWKS_TTL, MAX_JWKS, FixedKeys, JWKSKeys, read_source
from emmett.centrifuge.tokens import TokenVerifier
from emmett.errors import ConfigurationError
from tests.centrifuge.kit import SECRET, token

CURVES = {
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "ES512": ec.generate_private_key(ec.SECP521R1()),
}
EDWARDS = ed25519.Ed25519PrivateKey.generate()
ED448 = ed448.Ed448PrivateKey.generate()


@functools.cache
def rsa_key(name: str = "") -> rsa.RSAPrivateKey:
    """Return the RSA key of that name, made where a test needs it: every worker imports this file."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: Any) -> bytes:
    found: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return found


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        *((SECRET * 2, f"HS{bits}") for bits in (256, 384, 512)),
        *((rsa_key, f"{kind}{bits}") for kind in ("RS", "PS") for bits in (256, 384, 512)),
        *((key, algorithm) for algorithm, key in CURVES.items()),
        (EDWARDS, "EdDSA"),
        (ED448, "EdDSA"),
    ],
    ids=lambda value: (
        value if isinstance(value, str) and len(value) < 9 else getattr(value, "__name__", type(value).__name__)
    ),
)
async def test_every_kind_of_signature_is_verified(key: Any, algorithm: str) -> None:
    key = key() if key is rsa_key else key
    keys = [pem(each) for each in (rsa_key(), *CURVES.values(), EDWARDS, ED448)]
    verifier = TokenVerifier([FixedKeys(SECRET * 2, [*keys[:-1], keys[-1].decode()])])
    good = token(key, algorithm, sub="42")
    assert (await verifier.connection(good)).user == "42"
    # The same claims signed with an unknown key, and other claims with this signature.
    others = {
        "HS": "x" * 70,
        "RS": rsa_key("other"),
        "PS": rsa_key("other"),
        "Ed": ed25519.Ed25519PrivateKey.generate(),
    }
    other = others.get(algorithm[:2]) or ec.generate_private_key(key.curve)
    head, _, signature = good.split(".")
    _, claims, _ = token(sub="43").split(".")
    for bad in (token(other, algorithm, sub="42"), f"{head}.{claims}.{signature}"):
        with pytest.raises(Disconnected, match="invalid token"):
            await verifier.connection(bad)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(rsa_key, "PS384"), (CURVES["ES384"], "ES384"), (CURVES["ES512"], "ES512")],
    ids=["PS384", "ES384", "ES512"],
)
async def test_a_key_of_a_jwks_verifies_only_its_own_algorithm(key: Any, algorithm: str, tmp_path: Path) -> None:
    kind, key = (jwt.algorithms.RSAAlgorithm, key()) if key is rsa_key else (jwt.algorithms.ECAlgorithm, key)
    known = {**kind.to_jwk(key.public_key(), as_dict=True), "kid": "1", "alg": algorithm}
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [known]}))
    verifier = TokenVerifier([JWKSKeys(str(tmp_path / "jwks.json"))])
    assert (await verifier.connection(token(key, algorithm, {"kid": "1"}, sub="42"))).user == "42"
    with pytest.raises(Disconnected, match="invalid token"):
        await verifier.connection(token(rsa_key(), "RS384", {"kid": "1"}, sub="42"))


async def test_a_curve_verifies_only_its_own_algorithm() -> None:
    keys = FixedKeys(None, [pem(key) for key in CURVES.values()])
    for algorithm, key in CURVES.items():
        (found,) = await keys.find(None, algorithm)
        assert found.algorithms == (algorithm,)
        assert found.key.curve.name == key.curve.name


async def test_a_public_key_is_not_accepted_as_a_secret() -> None:
    # The well-known attack: a token "signed" with the public key as if it were the secret of HS256.
    verifier = TokenVerifier([FixedKeys(None, [pem(rsa_key())])])
    head, body, _ = token("x" * 32, sub="42").split(".")
    signature = jwt.api_jws.PyJWS().get_algorithm_by_name("HS256").sign(f"{head}.{body}".encode(), pem(rsa_key()))
    forged = f"{head}.{body}.{jwt.utils.base64url_encode(signature).decode()}"
    with pytest.raises(Disconnected, match="invalid token"):
        await verifier.connection(forged)


@pytest.mark.parametrize(
    ("secret", "make_keys", "text"),
    [
        ("", list, "secret is empty"),
        (None, lambda: ["no key"], "a public key cannot be read"),
        (None, lambda: [pem(dsa.generate_private_key(1024))], "expected RSA"),
        (None, lambda: [pem(ec.generate_private_key(ec.SECP256K1()))], "expected RSA, the curve P-256"),
    ],
    ids=["empty secret", "no key", "DSA", "secp256k1"],
)
def test_invalid_keys_are_refused(secret: str | None, make_keys: Callable[[], list[Any]], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        FixedKeys(secret, make_keys())


class Source:
    """A JWKS that a test rotates."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {}
        self.reads = 0
        self.now = 0.0
        self.is_broken = False

    def read(self, source: str) -> bytes:
        self.reads += 1
        if self.is_broken:
            raise OSError("away")
        keys = [
            {**jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "alg": "RS256"}
            for kid, key in self.keys.items()
        ]
        return json.dumps({"keys": keys}).encode()

    def verifier(self) -> TokenVerifier:
        return TokenVerifier([JWKSKeys("https://example.org/jwks", self.read, lambda: self.now)])


async def test_a_rotated_key_is_found_and_the_old_one_expires() -> None:
    source = Source()
    source.keys = {"1": rsa_key()}
    verifier = source.verifier()
    old = token(rsa_key(), "RS256", headers={"kid": "1"}, sub="42")
    assert (await verifier.connection(old)).user == "42"
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    source.keys = {"2": other}
    source.now += JWKS_PAUSE
    assert (await verifier.connection(token(other, "RS256", headers={"kid": "2"}, sub="43"))).user == "43"
    with pytest.raises(Disconnected):
        await verifier.connection(old)
    assert source.reads == 2


async def test_unknown_keys_do_not_cause_a_read_each_time() -> None:
    source = Source()
    source.keys = {"1": rsa_key()}
    verifier = source.verifier()
    for number in range(20):
        with pytest.raises(Disconnected):
            await verifier.connection(token(rsa_key(), "RS256", headers={"kid": f"no {number}"}, sub="42"))
    assert source.reads == 1


async def test_the_keys_stay_valid_while_the_source_is_unavailable(caplog: pytest.LogCaptureFixture) -> None:
    source = Source()
    source.keys = {"1": rsa_key()}
    verifier = source.verifier()
    good = token(rsa_key(), "RS256", headers={"kid": "1"}, sub="42")
    await verifier.connection(good)
    source.is_broken = True
    source.now += JWKS_TTL
    with caplog.at_level(logging.ERROR):
        assert (await verifier.connection(good)).user == "42"
    assert "https://example.org/jwks cannot be read" in caplog.text
    assert source.reads == 2


async def test_a_jwks_may_be_a_file(tmp_path: Path) -> None:
    source = Source()
    source.keys = {"1": rsa_key()}
    file = tmp_path / "jwks.json"
    file.write_bytes(source.read(""))
    verifier = TokenVerifier([JWKSKeys(str(file))])
    # A token need not name its key.
    assert (await verifier.connection(token(rsa_key(), "RS256", sub="42"))).user == "42"


def test_a_source_over_the_limit_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_bytes(b" " * (MAX_JWKS + 1))
    with pytest.raises(ValueError, match="longer than"):
        read_source(str(file))
