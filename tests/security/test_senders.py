"""Which page has sent a request."""

from __future__ import annotations

import pytest

from emmett.security.senders import comes_from_elsewhere
from emmett.wire.origin import SAME_ORIGIN, OriginPolicy
from tests.http.builders import make_request

OWN = OriginPolicy((SAME_ORIGIN,))


@pytest.mark.parametrize(
    ("origin", "site", "expected"),
    [
        (None, None, False),
        (None, "same-origin", False),
        (None, "none", False),
        (None, "cross-site", True),
        (None, "same-site", True),
        ("http://example.com", None, False),
        ("http://example.com", "same-origin", False),
        ("https://example.com", None, True),
        ("http://evil.example", "same-origin", True),
        ("null", None, True),
        ("null", "cross-site", True),
        ("null", "same-origin", False),
    ],
)
def test_the_sender_is_found_from_what_browsers_report(origin: str | None, site: str | None, expected: bool) -> None:
    fields = [("host", "example.com"), ("origin", origin), ("sec-fetch-site", site)]
    request = make_request("POST", headers=[(name, value) for name, value in fields if value is not None])
    assert comes_from_elsewhere(request, OWN) is expected


def test_another_site_can_be_trusted() -> None:
    policy = OriginPolicy((SAME_ORIGIN, "https://app.example"))
    request = make_request("POST", headers=[("host", "example.com"), ("origin", "https://app.example")])
    assert not comes_from_elsewhere(request, policy)
