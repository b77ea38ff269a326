"""Request targets in logs."""

from __future__ import annotations

import pytest

from emmett.wire.targets import QueryLogging, loggable_query, loggable_target


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ""),
        ("token=secret", "token=*"),
        ("token=secret&ticket=secret&page=2", "token=*&ticket=*&page=*"),
        ("secret", "*"),
        ("c2VjcmV0", "*"),
        ("c2VjcmV0=", "*"),
        ("c2VjcmV0==", "*"),
        ("a=1&&secret&b=2=3", "a=*&&*&b=*"),
        ("s" * 65 + "=1", "*"),
        ('na"me=1', "na%22me=*"),
    ],
)
def test_names_are_shown_without_values(query: str, shown: str) -> None:
    assert loggable_query(query) == shown


@pytest.mark.parametrize(("logged", "shown"), [("names", "/a?token=*"), ("all", "/a?token=secret"), ("none", "/a")])
def test_the_setting_decides_what_is_shown(logged: QueryLogging, shown: str) -> None:
    assert loggable_target("/a?token=secret", logged) == shown


def test_a_target_stays_on_its_line() -> None:
    assert loggable_target('/a"\r\n\xe9?b\n=1', "all") == "/a%22\\r\\n\\xe9?b\\n=1"
    assert loggable_target("/a") == "/a"
    assert loggable_target("/a?") == "/a"
