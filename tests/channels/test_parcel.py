from __future__ import annotations

import logging

import pytest

from emmett.channels import Kind, Namespace, Publication, as_json, data_only
from emmett.channels.parcel import Parcel

ROOM = Namespace("room")
MESSAGES = [Publication("room:1", "a"), Publication("room:1", "{}", Kind.JOIN), Publication("room:1", b"b")]
GAP = Publication("room:1", "", Kind.GAP)


def test_feeds_get_the_publications_themselves() -> None:
    parcel = Parcel(ROOM, [*MESSAGES, GAP], None, False)
    assert [publication for publication, _ in parcel.items] == [*MESSAGES, GAP]
    assert (parcel.is_for_feeds, parcel.is_cut, parcel.size) == (True, False, 4)


def test_sockets_get_the_result_of_encode() -> None:
    parcel = Parcel(ROOM, MESSAGES, data_only, False)
    assert parcel.batch.messages == ["a", b"b"]
    assert not parcel.is_cut


def test_a_gap_that_cannot_be_expressed_cuts_the_parcel() -> None:
    parcel = Parcel(ROOM, [MESSAGES[0], GAP, MESSAGES[2]], data_only, False)
    assert parcel.batch.messages == ["a"]
    assert parcel.is_cut
    assert not Parcel(ROOM, [GAP], as_json, False).is_cut


def test_a_publication_that_cannot_be_encoded_is_logged_and_left_out(caplog: pytest.LogCaptureFixture) -> None:
    def encode(publication: Publication) -> str:
        return str(publication.data).upper() if publication.data != b"b" else str(1 / 0)

    assert Parcel(ROOM, MESSAGES, encode, False).batch.messages == ["A", "{}"]
    assert caplog.records[0].levelno == logging.ERROR
    assert "'room:1'" in caplog.text
