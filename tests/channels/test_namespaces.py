from __future__ import annotations

import ast
from dataclasses import fields
from typing import Any

import pytest

from emmett.channels.brokers.port import Limits
from emmett.channels.namespaces import DEFAULT, Namespace, Namespaces
from emmett.errors import ConfigurationError
from tests.docs.pages import page


def test_options_apply_to_the_channels_of_a_prefix() -> None:
    namespaces = Namespaces()
    room = namespaces.declare("room", {"history": 10, "history_ttl": 5, "presence": True, "join_leave": True})
    bare = namespaces.declare("", {"slow": "latest"})
    assert namespaces.of("room:1") is namespaces.of("room:*") is room
    assert namespaces.of("ticks") is namespaces.of("room") is bare
    assert namespaces.of("other:1") is DEFAULT
    assert room.limits == Limits(10, 5)
    assert bare.limits is None
    assert list(namespaces) == [room, bare]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"histroy": 1}, "has no option 'histroy'; did you mean 'history'? allowed are history, history_ttl, presence"),
        ({"history": -1}, "history = -1: expected a whole number, 0 to 1000000"),
        ({"history": 1.5}, "history = 1.5: expected a whole number"),
        ({"history": True}, "history = True: expected a whole number"),
        ({"history_ttl": 0}, "history_ttl = 0: expected a number of seconds, 0.001"),
        ({"history_ttl": float("nan")}, "history_ttl = nan"),
        ({"history_ttl": float("inf")}, "history_ttl = inf"),
        ({"presence": 1}, "presence = 1: expected True or False"),
        ({"presence_ttl": 0.5}, "presence_ttl = 0.5: expected a number of seconds, 1 to 86400"),
        ({"slow": "drop"}, "slow = 'drop': expected 'disconnect' or 'drop_oldest' or 'latest'"),
        ({"slow": []}, "slow = "),
        ({"queue_messages": 0}, "queue_messages = 0: expected a whole number, 1"),
        ({"may_subscribe": "all"}, "may_subscribe = 'all': expected a function, or None"),
        ({"join_leave": True}, "join_leave requires presence=True"),
        ({"queue_bytes": 10, "max_message_size": 11}, "max_message_size = 11: expected at most queue_bytes"),
        ({"max_message_size": 2_000_000}, "expected at most queue_bytes, which is 1048576"),
    ],
)
def test_invalid_options_are_refused_with_the_reason(options: Any, text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Namespaces().declare("room", options)
    assert text in str(caught.value)
    assert "'room'" in str(caught.value)


@pytest.mark.parametrize("name", ["room:1", "a b", "x" * 201, "*"])
def test_invalid_names_of_namespaces_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="namespace"):
        Namespaces().declare(name, {})


def test_a_namespace_can_be_declared_only_once() -> None:
    namespaces = Namespaces()
    namespaces.declare("room", {})
    with pytest.raises(ConfigurationError, match="already declared"):
        namespaces.declare("room", {})


def test_a_small_queue_lowers_the_limit_of_messages() -> None:
    assert Namespaces().declare("room", {"queue_bytes": 100}).max_message_size == 100


def test_the_page_has_every_option_and_its_default() -> None:
    rows = page("docs/channels.md").table("option", "default", "meaning")
    documented = {option.strip("`"): ast.literal_eval(default.strip("`")) for option, default, _ in rows}
    assert documented == {each.name: each.default for each in fields(Namespace) if each.name != "name"}
