from __future__ import annotations

import json
from typing import Any

import pytest

from emmett.channels import Kind, Position, Publication, as_json, data_only
from emmett.channels.encoding import check_member_data, decode_info, encode_data, encode_info, ends_at_gap, member_data

HERE = Position("e", 7)


def test_the_default_encoder_gives_the_data_of_messages() -> None:
    assert data_only(Publication("a", "x")) == "x"
    assert data_only(Publication("a", b"\x00")) == b"\x00"
    for kind in (Kind.JOIN, Kind.LEAVE, Kind.GAP):
        assert data_only(Publication("a", "{}", kind)) is None


def test_as_json_expresses_everything() -> None:
    member = member_data("alice", b'{"age":7}')
    told: list[tuple[Publication, dict[str, Any]]] = [
        (Publication("a", 'x"\n', position=HERE), {"type": "message", "data": 'x"\n', "position": "e:7"}),
        (Publication("a", "x"), {"type": "message", "data": "x", "position": None}),
        (Publication("a", b"\x00"), {"type": "message", "data": "AA==", "encoding": "base64", "position": None}),
        (
            Publication("a", member, Kind.JOIN),
            {"type": "join", "data": {"member": "alice", "info": {"age": 7}}, "position": None},
        ),
        (
            Publication("a", member_data("bob", None), Kind.LEAVE),
            {"type": "leave", "data": {"member": "bob", "info": None}, "position": None},
        ),
        (Publication("a", "", Kind.GAP, HERE), {"type": "gap", "data": None, "position": "e:7"}),
    ]
    for publication, expected in told:
        assert json.loads(as_json(publication)) == {"channel": "a", **expected}


@pytest.mark.parametrize("data", ["", "x", "[]", "{}", '{"member":1}', '{"member":"a"', "[" * 100_000, "null"])
def test_invalid_member_data_is_refused(data: str) -> None:
    with pytest.raises(ValueError, match="not the data of a member"):
        check_member_data(data)


def test_a_member_may_have_no_info_and_unknown_fields() -> None:
    check_member_data('{"member":"a","later":1}')
    check_member_data(member_data("a", None))


def test_info_must_be_json() -> None:
    assert decode_info(encode_info({"a": [1, None]})) == {"a": [1, None]}
    assert decode_info(b"\xff") is None
    assert decode_info(b"[" * 100_000) is None
    with pytest.raises(TypeError):
        encode_info(object())


def test_data_is_encoded_as_json() -> None:
    assert encode_data({"a": [1, "é"]}) == '{"a":[1,"é"]}'
    circle: list[object] = []
    circle.append(circle)
    for data in (object(), circle):
        with pytest.raises(TypeError, match=f"a value that JSON can express, not {type(data).__name__}"):
            encode_data(data)


def test_encoders_that_cannot_express_a_gap_are_recognised() -> None:
    class Own:
        ends_at_gap = True

        def __call__(self, publication: Publication) -> None: ...

    assert ends_at_gap(data_only)
    assert ends_at_gap(Own())
    assert not ends_at_gap(as_json)
