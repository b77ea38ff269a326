from __future__ import annotations

import sys

import pytest

from emmett.centrifuge.codec import JSON
from emmett.centrifuge.encodings import JSON_ENCODING, choose_encoding, find_protobuf
from emmett.centrifuge.protobuf import PROTOBUF, ProtobufClientCodec
from emmett.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _forget() -> object:
    find_protobuf.cache_clear()
    yield
    find_protobuf.cache_clear()


def test_a_client_chooses_its_encoding() -> None:
    protobuf = find_protobuf()
    assert protobuf is not None
    both = [JSON_ENCODING, protobuf]
    assert choose_encoding([], both) == (None, JSON_ENCODING)
    assert choose_encoding(["other"], both) == (None, JSON_ENCODING)
    assert choose_encoding(["centrifuge-json"], both) == ("centrifuge-json", JSON_ENCODING)
    assert choose_encoding(["centrifuge-protobuf"], both) == ("centrifuge-protobuf", protobuf)
    assert choose_encoding(["centrifuge-protobuf"], [JSON_ENCODING]) == (None, JSON_ENCODING)
    assert JSON_ENCODING.codec is JSON
    assert protobuf.codec is PROTOBUF


def test_without_the_package_only_json_is_available(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "emmett.centrifuge.protobuf", None)
    assert find_protobuf() is None


def test_a_broken_package_is_reported_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ProtobufClientCodec, "encode", lambda *_: b"")
    with pytest.raises(ConfigurationError, match="protobuf package does not work"):
        find_protobuf()
