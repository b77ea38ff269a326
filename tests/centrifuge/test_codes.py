from __future__ import annotations

import pytest

from emmett.centrifuge import codes
from emmett.centrifuge.codes import CommandFailed, Disconnected, Ending
from emmett.wire.close import check_to_send

ENDINGS = [each for each in vars(codes).values() if isinstance(each, Ending)]


@pytest.mark.parametrize("ending", ENDINGS, ids=str)
def test_every_ending_can_be_sent_and_has_a_reason(ending: Ending) -> None:
    assert ending.reason
    if ending.code >= 3000:
        check_to_send(*ending)


@pytest.mark.parametrize(
    ("code", "is_terminal"),
    [(3000, False), (3499, False), (3500, True), (3999, True), (4000, False), (4499, False), (4500, True)],
)
def test_terminal_codes_keep_clients_from_reconnecting(code: int, is_terminal: bool) -> None:
    assert Ending(code, "reason").is_terminal is is_terminal


def test_only_internal_errors_and_too_many_requests_are_temporary() -> None:
    made = [
        codes.internal_error(),
        codes.unauthorized(),
        codes.unknown_channel(),
        codes.permission_denied(),
        codes.method_not_found(),
        codes.already_subscribed(),
        codes.limit_exceeded(),
        codes.bad_request(),
        codes.not_available(),
        codes.token_expired(),
        codes.expired(),
        codes.too_many_requests(),
        codes.unrecoverable_position(),
    ]
    assert [error.code for error in made] == list(range(100, 113))
    assert [error.code for error in made if error.temporary] == [100, 111]


def test_errors_say_what_happened() -> None:
    assert str(CommandFailed(1000, "no seats")) == "no seats (1000)"
    assert str(Disconnected(Ending(4500, "begone"))) == "begone (4500)"
