"""The agreement of a server to offers of permessage-deflate (RFC 7692, 5 and 7.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from emmett.wire.deflate import DeflateAgreement, agree_on_deflate
from emmett.wire.extensions import parse_extensions


def agree(field: str, *, window_bits: int = 12, context_takeover: bool = True) -> DeflateAgreement | None:
    return agree_on_deflate(parse_extensions(field), window_bits=window_bits, context_takeover=context_takeover)


def answer(field: str, *, window_bits: int = 12, context_takeover: bool = True) -> str | None:
    agreement = agree(field, window_bits=window_bits, context_takeover=context_takeover)
    return None if agreement is None else agreement.answer


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("", "; server_max_window_bits=12"),
        ("; client_max_window_bits", "; server_max_window_bits=12; client_max_window_bits=12"),
        ("; client_max_window_bits=15", "; server_max_window_bits=12; client_max_window_bits=12"),
        ("; client_max_window_bits=10", "; server_max_window_bits=12; client_max_window_bits=10"),
        ('; client_max_window_bits="10"', "; server_max_window_bits=12; client_max_window_bits=10"),
        ("; client_max_window_bits=8", "; server_max_window_bits=12; client_max_window_bits=8"),
        ("; server_max_window_bits=15", "; server_max_window_bits=12"),
        ("; server_max_window_bits=10", "; server_max_window_bits=10"),
        ("; server_max_window_bits=8", "; server_max_window_bits=8"),
        ("; server_no_context_takeover", "; server_no_context_takeover; server_max_window_bits=12"),
        ("; client_no_context_takeover", "; client_no_context_takeover; server_max_window_bits=12"),
        (
            "; client_max_window_bits; server_max_window_bits=9"
            "; client_no_context_takeover; server_no_context_takeover",
            "; server_no_context_takeover; client_no_context_takeover"
            "; server_max_window_bits=9; client_max_window_bits=12",
        ),
    ],
)
def test_a_valid_offer_is_accepted(parameters: str, expected: str) -> None:
    assert answer("permessage-deflate" + parameters) == "permessage-deflate" + expected


def test_the_largest_window_is_the_default() -> None:
    assert answer("permessage-deflate", window_bits=15) == "permessage-deflate"
    offer = "permessage-deflate; server_max_window_bits=15"
    assert answer(offer, window_bits=15) == "permessage-deflate; server_max_window_bits=15"


def test_the_response_says_what_was_agreed() -> None:
    assert agree(
        "permessage-deflate; client_max_window_bits=11; server_max_window_bits=10; server_no_context_takeover"
    ) == DeflateAgreement(
        server_window_bits=10,
        client_window_bits=11,
        server_takeover=False,
        client_takeover=True,
        answer="permessage-deflate; server_no_context_takeover; server_max_window_bits=10; client_max_window_bits=11",
    )


def test_a_client_that_does_not_offer_to_limit_its_window_may_use_the_largest() -> None:
    agreement = agree("permessage-deflate", window_bits=9)
    assert agreement is not None
    assert agreement.client_window_bits == 15
    assert "client_max_window_bits" not in agreement.answer


def test_without_takeover_the_response_says_so_for_both_sides() -> None:
    agreement = agree("permessage-deflate", context_takeover=False)
    assert agreement is not None
    assert not agreement.server_takeover
    assert not agreement.client_takeover
    assert agreement.answer.startswith("permessage-deflate; server_no_context_takeover; client_no_context_takeover")


DECLINED = [
    "server_max_window_bits",
    "server_max_window_bits=7",
    "server_max_window_bits=16",
    "server_max_window_bits=abc",
    "server_max_window_bits=08",
    "server_max_window_bits=+9",
    "server_max_window_bits=10.0",
    "server_max_window_bits=1_0",
    "client_max_window_bits=7",
    "client_max_window_bits=16",
    "client_max_window_bits=abc",
    "client_max_window_bits=010",
    "client_max_window_bits=99999999999999999999",
    "server_no_context_takeover=1",
    "client_no_context_takeover=true",
    "client_max_window_bits; client_max_window_bits",
    "client_max_window_bits=10; client_max_window_bits=10",
    "server_max_window_bits=10; server_max_window_bits=11",
    "server_no_context_takeover; server_no_context_takeover",
    "client_no_context_takeover; client_no_context_takeover",
    "unknown",
    "unknown=1",
    "Server_No_Context_Takeover",
    "client_max_window_bits; unknown",
]


@pytest.mark.parametrize("parameters", DECLINED)
def test_an_offer_that_cannot_be_accepted_is_declined(parameters: str) -> None:
    assert answer(f"permessage-deflate; {parameters}") is None


@pytest.mark.parametrize("parameters", DECLINED)
def test_the_next_offer_is_tried(parameters: str) -> None:
    field = f"permessage-deflate; {parameters}, other; a, permessage-deflate; client_max_window_bits=9"
    assert answer(field) == "permessage-deflate; server_max_window_bits=12; client_max_window_bits=9"


def test_the_first_acceptable_offer_counts() -> None:
    assert answer("permessage-deflate; server_max_window_bits=9, permessage-deflate") == (
        "permessage-deflate; server_max_window_bits=9"
    )


@pytest.mark.parametrize("field", ["", "x-webkit-deflate-frame", "permessage-bzip2, other", "permessage-deflate2"])
def test_other_extensions_are_ignored(field: str) -> None:
    assert answer(field) is None


@given(
    server_bits=st.none() | st.integers(8, 15),
    client_bits=st.none() | st.just(True) | st.integers(9, 15),
    server_no_takeover=st.booleans(),
    client_no_takeover=st.booleans(),
    window_bits=st.integers(9, 15),
    context_takeover=st.booleans(),
)
def test_another_client_library_accepts_every_response(
    server_bits: int | None,
    client_bits: int | bool | None,
    server_no_takeover: bool,
    client_no_takeover: bool,
    window_bits: int,
    context_takeover: bool,
) -> None:
    factory = ClientPerMessageDeflateFactory(
        server_no_context_takeover=server_no_takeover,
        client_no_context_takeover=client_no_takeover,
        server_max_window_bits=server_bits,
        client_max_window_bits=client_bits,
    )
    parameters = [
        f"; {name}" + (f"={value}" if value is not None else "") for name, value in factory.get_request_params()
    ]
    agreement = agree(
        "permessage-deflate" + "".join(parameters), window_bits=window_bits, context_takeover=context_takeover
    )
    assert agreement is not None
    (told,) = parse_extensions(agreement.answer)
    client = factory.process_response_params(list(told.parameters), [])
    assert agreement.server_takeover == (not client.remote_no_context_takeover)
    assert agreement.client_takeover == (not client.local_no_context_takeover)
    # What each side does is within what the other is prepared for.
    assert client.local_max_window_bits <= agreement.client_window_bits
    assert agreement.server_window_bits <= client.remote_max_window_bits
