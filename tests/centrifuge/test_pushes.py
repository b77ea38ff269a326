from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from emmett.centrifuge.codec import JSON
from emmett.centrifuge.messages import ClientInfo
from emmett.centrifuge.pushes import PUSH_JSON, client_info, published
from emmett.channels import Details, Kind, Position, Publication
from emmett.channels.encoding import ends_at_gap


def pushed(publication: Publication) -> Any:
    message = PUSH_JSON(publication)
    assert isinstance(message, str)
    return json.loads(message)["push"]


def test_a_publication_has_all_its_members() -> None:
    details = Details(info=Raw(b'{"user":"42","client":"c"}'), tags={"a": "b"})
    assert pushed(Publication("room:1", '{"x": 1}', Kind.MESSAGE, Position("e", 7), details)) == {
        "channel": "room:1",
        "pub": {"data": {"x": 1}, "info": {"user": "42", "client": "c"}, "offset": 7, "tags": {"a": "b"}},
    }


@pytest.mark.parametrize("info", [b"", b"5", b'{"user":1}'])
def test_a_publisher_that_is_no_client_is_left_out(info: bytes) -> None:
    details = Details(info=Raw(info))
    assert published(Publication("room:1", "1", details=details), JSON).info is None


@pytest.mark.parametrize(("kind", "name"), [(Kind.JOIN, "join"), (Kind.LEAVE, "leave")])
def test_joins_and_leaves_are_pushed(kind: Kind, name: str) -> None:
    data = '{"member":"c","info":{"user":"42","client":"c"}}'
    assert pushed(Publication("room:1", data, kind)) == {
        "channel": "room:1",
        name: {"info": {"user": "42", "client": "c"}},
    }


def test_a_gap_cannot_be_pushed() -> None:
    assert PUSH_JSON(Publication("room:1", "", Kind.GAP)) is None
    assert ends_at_gap(PUSH_JSON)


def plain(info: bytes) -> ClientInfo:
    return ClientInfo(user="c", client="c", conn_info=Raw(info))


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        (b'{"user":"42","client":"c","conn_info":1}', ClientInfo(user="42", client="c", conn_info=Raw(b"1"))),
        # The member of a plain subscriber, whatever its info contains.
        (b'{"user":"42","client":"other"}', plain(b'{"user":"42","client":"other"}')),
        (b'{"color":"green"}', plain(b'{"color":"green"}')),
        (b"null", ClientInfo(user="c", client="c")),
    ],
)
def test_members_are_described_as_clients(info: bytes, expected: ClientInfo) -> None:
    assert client_info("c", info) == expected


def test_the_user_of_a_crashed_node_is_unknown() -> None:
    data = '{"member":"c","info":null}'
    assert pushed(Publication("room:1", data, Kind.LEAVE))["leave"] == {"info": {"user": "", "client": "c"}}
