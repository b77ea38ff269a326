from typing import Any

import msgspec
import pytest
from msgspec import Raw

from emmett.calls.codecs import JSON, MESSAGE_PACK, Codec, choose_codec

CODECS = [pytest.param(JSON, id="json"), pytest.param(MESSAGE_PACK, id="msgpack")]


class Point(msgspec.Struct):
    x: int
    y: int = 0


def raw(codec: Codec, value: Any) -> Raw:
    encoded = codec.encode(value)
    return Raw(encoded.encode() if isinstance(encoded, str) else encoded)


@pytest.mark.parametrize("codec", CODECS)
def test_a_value_survives_encoding_and_decoding(codec: Codec) -> None:
    data = codec.encode(Point(1, 2))
    assert codec.decode(data, Point) == Point(1, 2)
    assert codec.decoder(Point)(data) == Point(1, 2)


@pytest.mark.parametrize("codec", CODECS)
def test_data_of_another_type_is_a_validation_error(codec: Codec) -> None:
    with pytest.raises(msgspec.ValidationError):
        codec.decode(codec.encode({"x": "1"}), Point)


def test_json_is_text_and_is_read_from_binary_too() -> None:
    assert isinstance(JSON.encode({}), str)
    assert JSON.decode(b'{"x":1}', Point) == Point(1)


def test_message_pack_is_binary_only() -> None:
    assert isinstance(MESSAGE_PACK.encode({}), bytes)
    with pytest.raises(msgspec.DecodeError, match="text frame"):
        MESSAGE_PACK.decode("{}", dict)
    with pytest.raises(msgspec.DecodeError, match="text frame"):
        MESSAGE_PACK.decoder(dict)("{}")


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("size", [0, 1, 15, 16, 70_000])
def test_arrays_and_maps_are_recognised_by_their_first_byte(codec: Codec, size: int) -> None:
    array, mapping = raw(codec, [1] * size), raw(codec, {str(key): 1 for key in range(size)})
    assert (codec.is_array(array), codec.is_map(array)) == (True, False)
    assert (codec.is_array(mapping), codec.is_map(mapping)) == (False, True)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("value", [None, True, 0, -1, 1.5, "text", 2**40])
def test_other_values_are_neither_arrays_nor_maps(codec: Codec, value: Any) -> None:
    assert not codec.is_array(raw(codec, value))
    assert not codec.is_map(raw(codec, value))


def test_the_subprotocol_selects_the_encoding() -> None:
    assert choose_codec(()) == (None, JSON)
    assert choose_codec(("chat.v1",)) == (None, JSON)
    assert choose_codec(("chat.v1", "jsonrpc-2.0+msgpack", "jsonrpc-2.0")) == ("jsonrpc-2.0+msgpack", MESSAGE_PACK)
    assert choose_codec(("jsonrpc-2.0",)) == ("jsonrpc-2.0", JSON)
