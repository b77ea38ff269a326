"""Reading messages into types."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import pytest

from emmett.errors import MessageError
from emmett.websockets.json_messages import decode_json, encode_json, find_decoder


def test_a_decoder_is_made_once_for_each_type() -> None:
    assert find_decoder(dict[str, int]).__self__ is find_decoder(dict[str, int]).__self__  # type: ignore[attr-defined]
    assert find_decoder(Any)("[1]") == [1]


def test_a_type_need_not_be_hashable() -> None:
    kind = Annotated[int, msgspec.Meta(ge=1), {"not": "hashable"}]
    assert decode_json("5", find_decoder(kind)) == 5
    with pytest.raises(MessageError, match="unexpected JSON"):
        decode_json("0", find_decoder(kind))


def test_a_value_that_json_cannot_express_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="object"):
        encode_json({"a": object()})
    assert encode_json({"a": [1]}) == '{"a":[1]}'
