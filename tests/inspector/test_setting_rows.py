"""Settings as text, without secrets."""

from __future__ import annotations

from typing import Any

import pytest

from emmett.config import Config
from emmett.inspector.setting_rows import HIDDEN, hide_password, setting_rows, show_value


def test_all_settings_of_all_sections_are_shown() -> None:
    config = Config()
    config.websocket.ping_interval = 5
    config.title = "Tea"
    config.api_key = "hush"
    rows = {(row.section, row.name): row for row in setting_rows(config)}
    assert {section for section, _ in rows} == {"websocket", "http", "server", "calls", "centrifuge", "application"}
    assert {name for section, name in rows if section == "server"} == type(config.server).names()
    changed = rows["websocket", "ping_interval"]
    assert (changed.value, changed.is_changed) == ("5", True)
    assert not rows["websocket", "ping_timeout"].is_changed
    assert rows["application", "title"].value == "Tea"
    assert rows["application", "api_key"].value == HIDDEN


def test_other_attributes_of_the_config_are_limited() -> None:
    config = Config()
    for number in range(300):
        config[f"own{number:03}"] = number
    assert sum(row.section == "application" for row in setting_rows(config)) == 200


@pytest.mark.parametrize(
    "name",
    [
        *("secret_key", "SECRET", "password", "db_passwd", "token", "api_key", "apikey", "private", "keys", "key"),
        *("signing", "salt", "auth", "credentials", "cookie", "sentry_dsn", "pin"),
    ],
)
def test_values_with_the_names_of_secrets_are_hidden(name: str) -> None:
    assert show_value(name, "hush") == HIDDEN
    assert show_value(name, ["hush"]) == HIDDEN
    assert show_value(name, b"hush") == HIDDEN
    assert show_value(name, None) == "None"
    assert show_value(name, True) == "True"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        (10, "10"),
        (b"anything", HIDDEN),
        (["a", 1], "[a, 1]"),
        ({"host": "db", "password": "hush"}, "{host: db, password: (hidden)}"),
        ({"nested": {"api_token": "hush", "port": 1}}, "{nested: {api_token: (hidden), port: 1}}"),
        ({"deep": {"deeper": {"secret": "hush"}}}, "{deep: {deeper: <dict>}}"),
        (["redis://user:hush@db:6379/0"], "[redis://(hidden)]"),
        (object(), "<object>"),
        ("x" * 400, "x" * 299 + "…"),
    ],
)
def test_values_are_shown_as_text(value: Any, shown: str) -> None:
    assert show_value("name", value) == shown
    assert "hush" not in show_value("name", value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://example.com/a", "https://example.com/a"),
        ("https://example.com/a?key=hush", HIDDEN),
        ("https://example.com/a?b=hush", "https://example.com/a?(hidden)"),
        ("redis://:hush@db/0", "redis://(hidden)"),
        ("redis://u:hush/@a/0,redis://u:hush@b", "redis://(hidden)"),
        ("host=db password=hush", HIDDEN),
        ("ann@example.com", "ann@example.com"),
    ],
)
def test_passwords_in_urls_are_hidden(text: str, shown: str) -> None:
    assert hide_password(text) == shown
