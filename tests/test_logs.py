"""The structured fields of log records."""

from __future__ import annotations

import logging
import logging.config

import pytest

from emmett.logs import FIELD_NAMES, enable_loggers, format_client, log_fields


def test_fields_are_attributes_of_the_record(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        logging.getLogger("shop").info("gone", extra=log_fields(connection=7, client=("::1", 80), path="/a", code=1006))
    (record,) = caplog.records
    values = {name: getattr(record, name) for name in FIELD_NAMES if hasattr(record, name)}
    assert values == {"connection": 7, "client": "[::1]:80", "path": "/a", "code": 1006}


def test_a_field_with_an_unknown_value_is_omitted() -> None:
    assert log_fields(client=None, path=None, status=404) == {"status": 404}


def test_no_field_clashes_with_a_builtin_attribute_of_records() -> None:
    """`logging` raises KeyError for those."""
    assert not set(FIELD_NAMES) & {*vars(logging.makeLogRecord({})), "message", "asctime"}


@pytest.mark.parametrize(
    ("client", "text"), [(("192.0.2.1", 5), "192.0.2.1:5"), (("2001:db8::1", 5), "[2001:db8::1]:5"), (None, "-")]
)
def test_a_peer_is_written_as_text(client: tuple[str, int] | None, text: str) -> None:
    assert format_client(client) == text


def test_loggers_disabled_by_a_configuration_are_enabled_again() -> None:
    ours, others = logging.getLogger("some.package"), logging.getLogger("someone")
    try:
        ours.disabled = others.disabled = True
        enable_loggers("some")
        assert (ours.disabled, others.disabled) == (False, True)
    finally:
        ours.disabled = others.disabled = False
