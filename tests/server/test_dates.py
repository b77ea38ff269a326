"""The date of a response."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from emmett.server.dates import http_date


@pytest.mark.parametrize("seconds", [0, 784111777.9, 951782400, 1709164799, 1767225599, 4102444800])
def test_a_time_is_written_as_the_standard_library_writes_it(seconds: float) -> None:
    assert http_date(seconds) == formatdate(seconds, usegmt=True).encode()
    assert http_date(784111777) == b"Sun, 06 Nov 1994 08:49:37 GMT"
