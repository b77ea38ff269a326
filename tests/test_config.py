"""Settings: defaults, valid values, errors, and sections that inherit from others."""

from __future__ import annotations

import math
import operator
from typing import Any

import pytest

from emmett.config import Config, HTTPSettings, ServerSettings, Settings, WebsocketSettings
from emmett.errors import ConfigurationError

SECTIONS: list[type[Settings]] = [WebsocketSettings, HTTPSettings, ServerSettings]
EVERY_SETTING = [(section, name) for section in SECTIONS for name in section._settings]


def is_seconds(section: type[Settings], name: str) -> bool:
    return name.endswith(("_timeout", "_interval", "_grace"))


def is_count(section: type[Settings], name: str) -> bool:
    return type(section._settings[name].default) is int


SECONDS = [setting for setting in EVERY_SETTING if is_seconds(*setting)]
COUNTS = [setting for setting in EVERY_SETTING if is_count(*setting)]


def test_the_defaults_are_the_documented_ones() -> None:
    config = Config()
    assert config.websocket.max_message_size == 1024 * 1024
    assert config.websocket.inbox_messages == 16
    assert config.websocket.ping_interval == 20
    assert config.websocket.origins == "same-origin"
    assert config.websocket.compression is None
    assert config.http.max_head_size == 16 * 1024
    assert config.http.max_body_fields == 1000
    assert config.server.max_connections == 10_000
    assert config.server.shutdown_timeout == 30


@pytest.mark.parametrize(("section", "name"), EVERY_SETTING)
def test_a_default_may_be_assigned(section: type[Settings], name: str) -> None:
    settings = section()
    value = getattr(settings, name)
    setattr(settings, name, value)
    assert getattr(settings, name) == value
    assert getattr(section(**{name: value}), name) == value


@pytest.mark.parametrize(("section", "name"), SECONDS)
@pytest.mark.parametrize("value", [0, -1, -0.5, math.inf, math.nan, "10", True, b"1", [1]])
def test_invalid_lengths_of_time_are_refused(section: type[Settings], name: str, value: object) -> None:
    settings = section()
    with pytest.raises(ConfigurationError) as caught:
        setattr(settings, name, value)
    assert f"{section.section}.{name} = {value!r}: expected a number of seconds above 0" in str(caught.value)
    assert getattr(settings, name) == getattr(section(), name)


@pytest.mark.parametrize(("section", "name"), SECONDS)
def test_a_length_of_time_may_be_a_fraction(section: type[Settings], name: str) -> None:
    settings = section(**{name: 0.25})
    assert getattr(settings, name) == 0.25
    setattr(settings, name, 3600)
    assert getattr(settings, name) == 3600


def test_only_pings_can_be_switched_off() -> None:
    optional = {name for section, name in SECONDS if section._settings[name].check(None) is None}
    assert optional == {"disconnect_grace", "ping_interval", "ping_timeout"}
    with pytest.raises(ConfigurationError, match="or None to switch it off"):
        Config().websocket.ping_interval = 0
    with pytest.raises(ConfigurationError, match=r"expected a number of seconds above 0$"):
        Config().websocket.send_timeout = None  # type: ignore[assignment]


@pytest.mark.parametrize(("section", "name"), COUNTS)
@pytest.mark.parametrize("value", [-1, 1.5, 20.0, "20", None, True, math.inf])
def test_invalid_counts_are_refused(section: type[Settings], name: str, value: object) -> None:
    if value is None and name == "kept_memory":
        pytest.skip("None is allowed")
    settings = section()
    with pytest.raises(ConfigurationError) as caught:
        setattr(settings, name, value)
    assert f"{section.section}.{name} = {value!r}: expected a whole number of " in str(caught.value)
    assert getattr(settings, name) == getattr(section(), name)


@pytest.mark.parametrize(("section", "name"), COUNTS)
def test_an_error_about_a_count_states_its_limits(section: type[Settings], name: str) -> None:
    wanted = section._settings[name].check(-1)
    assert wanted is not None
    least = int(wanted.partition(", ")[2].removeprefix("at least ").split(" to ")[0])
    assert section._settings[name].check(least) is None
    assert section._settings[name].check(least - 1) == wanted
    if " to " in wanted:
        most = int(wanted.rpartition(" to ")[2].removesuffix(", or None"))
        assert section._settings[name].check(most) is None
        assert section._settings[name].check(most + 1) == wanted
    else:
        assert section._settings[name].check(10**12) is None


def test_a_body_limit_may_be_zero_but_a_message_limit_may_not() -> None:
    config = Config()
    config.http.max_body_size = 0
    assert config.http.max_body_size == 0
    with pytest.raises(ConfigurationError, match="whole number of bytes, at least 1"):
        config.websocket.max_message_size = 0


@pytest.mark.parametrize("value", [0, 1, None, "yes"])
def test_a_flag_is_true_or_false(value: Any) -> None:
    settings = WebsocketSettings(compression_context_takeover=False)
    assert settings.compression_context_takeover is False
    with pytest.raises(ConfigurationError, match=r"compression_context_takeover = .*: expected True or False"):
        settings.compression_context_takeover = value


@pytest.mark.parametrize("value", ["gzip", "", True, 0, ["deflate"]])
def test_an_error_about_a_choice_lists_the_options(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="expected None or 'deflate'"):
        Config().websocket.compression = value


@pytest.mark.parametrize("value", ["*", "same-origin", "https://a.example", ["https://a.example", "same-origin"], []])
def test_valid_origins_are_accepted(value: Any) -> None:
    assert WebsocketSettings(origins=value).origins == value


@pytest.mark.parametrize("value", ["a.example", "https://a.example/path", None, 5, ["https://a.example", 5]])
def test_invalid_origins_are_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"websocket\.origins = .*: expected an origin or a list of them: "):
        Config().websocket.origins = value


def test_an_unknown_name_raises_an_error_that_suggests_a_close_one() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Config().websocket.max_mesage_size = 5
    assert "websocket has no setting 'max_mesage_size'; did you mean 'max_message_size'?" in str(caught.value)
    assert "ping_interval" in str(caught.value)
    with pytest.raises(
        ConfigurationError, match="http has no setting 'zzz'; allowed are body_timeout, disconnect_grace, "
    ):
        HTTPSettings(zzz=1)


@pytest.mark.parametrize("value", ["7", "2026-11-23", "a.b_c~d-e", "v" * 64, None])
def test_a_version_of_the_static_files_is_accepted(value: str | None) -> None:
    settings = HTTPSettings(static_version=value)
    assert settings.static_version == value


@pytest.mark.parametrize("value", ["", "_7", "a/b", "a b", "é", "v" * 65, 7, b"7", "..\n"])
def test_invalid_versions_are_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"http\.static_version = .*: expected 1 to 64 letters"):
        HTTPSettings(static_version=value)


@pytest.mark.parametrize("value", ["", "x-real-ip", "Forwarded", None, 1])
def test_unknown_proxy_headers_are_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"server\.proxy_headers = .*: expected 'x-forwarded' or 'forwarded'"):
        Config().server.proxy_headers = value


@pytest.mark.parametrize("value", ["auto", None, 1024 * 1024, 1 << 40])
def test_a_limit_on_the_memory_of_peers_is_accepted(value: Any) -> None:
    config = Config()
    config.server.max_memory = value
    assert config.server.max_memory == value


@pytest.mark.parametrize("value", [0, 1024 * 1024 - 1, -1, 1.5, True, "1 GiB"])
def test_invalid_memory_limits_are_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"server\.max_memory = .*: expected a whole number of bytes"):
        Config().server.max_memory = value


def test_a_route_has_settings_of_its_own_for_the_body() -> None:
    settings = HTTPSettings()
    own = settings.for_route({"max_body_size": 5})
    settings.body_timeout = 7.0
    assert (own.max_body_size, own.body_timeout, settings.max_body_size) == (5, 7.0, 1024 * 1024)
    allowed = "allowed are body_timeout, disconnect_grace, max_body_fields, max_body_size, max_form_memory"
    for name in ("max_head_size", "static_version", "max_bodysize"):
        with pytest.raises(ConfigurationError, match=f"a route has no option '{name}'.*{allowed}"):
            settings.for_route({name: 1})
    with pytest.raises(ConfigurationError, match=r"http\.max_body_size = -1"):
        settings.for_route({"max_body_size": -1})


def test_a_section_shows_its_values() -> None:
    shown = (
        "ServerSettings(max_connections=5, max_memory='auto', kept_memory=67108864, memory_timeout=10.0, "
        "shutdown_timeout=30.0, drain_delay=None, cancel_timeout=5.0, trusted_proxies=(), "
        "proxy_headers='x-forwarded', "
        "allowed_hosts=None, log_query='names')"
    )
    assert repr(ServerSettings(max_connections=5)) == shown


def test_sections_do_not_share_their_values() -> None:
    first, second = Config(), Config()
    first.websocket.inbox_messages = 3
    assert second.websocket.inbox_messages == 16


def test_the_settings_of_a_route_override_those_of_the_application() -> None:
    application = WebsocketSettings()
    route = application.replace({"inbox_messages": 3})
    application.inbox_messages = 5
    application.send_timeout = 2
    assert (route.inbox_messages, route.send_timeout) == (3, 2)
    route.send_timeout = 1
    assert (route.send_timeout, application.send_timeout) == (1, 2)
    inner = route.replace({"inbox_bytes": 9})
    assert (inner.inbox_bytes, inner.inbox_messages, inner.send_timeout) == (9, 3, 1)


def test_the_settings_of_a_route_are_checked() -> None:
    with pytest.raises(ConfigurationError, match="whole number of messages"):
        WebsocketSettings().replace({"inbox_messages": 0})
    with pytest.raises(ConfigurationError, match="no setting 'methods'"):
        WebsocketSettings().replace({"methods": "get"})


def test_none_is_inherited_and_overrides_like_any_value() -> None:
    application = WebsocketSettings(ping_interval=None)
    assert application.replace({"inbox_messages": 3}).ping_interval is None
    assert WebsocketSettings().replace({"ping_interval": None}).ping_interval is None


@pytest.mark.parametrize(
    "name",
    ["send_timeout", "accept_timeout", "frame_timeout", "close_timeout", "disconnect_grace", "ping_interval"],
)
def test_every_deadline_counts_for_the_shortest_deadline(name: str) -> None:
    assert WebsocketSettings(**{name: 0.5}).shortest_deadline == 0.5


def test_a_disabled_deadline_does_not_count_for_the_shortest_deadline() -> None:
    assert WebsocketSettings(ping_interval=None, ping_timeout=None).shortest_deadline == 10


def test_a_config_keeps_other_attributes_of_the_application() -> None:
    config = Config()
    config.mailer = "smtp://localhost"
    assert (config.mailer, config["mailer"], config.missing) == ("smtp://localhost", "smtp://localhost", None)


@pytest.mark.parametrize("name", ["websocket", "http", "server"])
@pytest.mark.parametrize("value", [{"max_message_size": 5}, None, Config()])
def test_a_section_cannot_be_replaced_by_another_type(name: str, value: object) -> None:
    config = Config()
    with pytest.raises(ConfigurationError, match=rf"config\.{name} is a section; assign its settings"):
        config[name] = value
    with pytest.raises(ConfigurationError, match=rf"config\.{name} is a section; assign its settings"):
        setattr(config, name, value)


def test_a_section_can_be_replaced_by_one_of_its_type() -> None:
    config = Config()
    config["http"] = HTTPSettings(max_body_size=5)
    assert config.http.max_body_size == 5
    with pytest.raises(ConfigurationError):
        config["http"] = ServerSettings()


def test_a_copy_keeps_its_own_values_and_inherits_the_others() -> None:
    below = WebsocketSettings(frame_timeout=5.0)
    route = below.replace({"inbox_messages": 4})
    assert (route.frame_timeout, route.shortest_deadline) == (5.0, 5.0)
    below.frame_timeout = 2.0
    below.inbox_messages = 9
    assert (route.frame_timeout, route.shortest_deadline, route.inbox_messages) == (2.0, 2.0, 4)
    route.frame_timeout = 3.0
    below.frame_timeout = 1.0
    assert (route.frame_timeout, route.shortest_deadline) == (3.0, 3.0)


@pytest.mark.parametrize(
    ("name", "section"),
    [("websockets", "websocket"), ("web_socket", "websocket"), ("servers", "server"), ("https", "http")],
)
def test_an_unknown_section_raises_an_error_that_suggests_one(name: str, section: str) -> None:
    config = Config()
    for read in (getattr, operator.getitem):
        with pytest.raises(ConfigurationError, match=f"no section '{name}'; did you mean '{section}'"):
            read(config, name)
    setattr(config, name, "mine")
    assert config[name] == "mine"


@pytest.mark.parametrize(
    ("values", "limit"),
    [
        ({}, 2048),
        ({"max_message_size": 1}, 1024),
        ({"max_message_size": 64 * 1024 * 1024}, 65536),
        ({"max_message_size": 64 * 1024 * 1024, "max_fragments": 10}, 10),
    ],
)
def test_the_default_fragment_limit_follows_the_message_size(values: dict[str, int], limit: int) -> None:
    settings = WebsocketSettings(max_message_size=2 * 1024 * 1024).replace(values)
    assert settings.fragment_limit == limit


def test_max_fragments_may_be_none() -> None:
    assert WebsocketSettings(max_fragments=None).max_fragments is None
    with pytest.raises(ConfigurationError, match="a whole number of frames, at least 1, or None"):
        WebsocketSettings(max_fragments=0)
