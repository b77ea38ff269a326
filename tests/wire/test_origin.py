"""Allowed origins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.errors import ConfigurationError
from emmett.wire.origin import OriginPolicy, parse_origin


def allows(policy: OriginPolicy, origin: str | None, *, scheme: str = "wss", host: str = "good.com") -> bool:
    return policy.allows(origin, scheme=scheme, host=host)


class TestParseOrigin:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("http://example.com", ("http", "example.com", 80)),
            ("https://example.com", ("https", "example.com", 443)),
            ("HTTPS://Example.COM:8443", ("https", "example.com", 8443)),
            ("http://[::1]:8000", ("http", "[::1]", 8000)),
            ("chrome-extension://abcdefgh", ("chrome-extension", "abcdefgh", None)),
            ("tauri://localhost", ("tauri", "localhost", None)),
            ("app://.", ("app", ".", None)),
            ("ws://example.com", ("http", "example.com", 80)),
            ("WSS://example.com:8443", ("https", "example.com", 8443)),
        ],
    )
    def test_valid_origins_are_read(self, text: str, expected: tuple[str, str, int | None]) -> None:
        assert parse_origin(text) == expected

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "null",
            "example.com",
            "//example.com",
            "://example.com",
            "http:/example.com",
            "http://",
            "http://example.com/",
            "http://example.com/path",
            "http://example.com?x",
            "http://user@example.com",
            "http://example.com http://other.com",
            "http://example.com,http://other.com",
            "1http://example.com",
            "ht tp://example.com",
            "http://exa mple.com",
            "http://http://example.com",
        ],
    )
    def test_invalid_origins_are_refused(self, text: str) -> None:
        # A comma may be part of a registered name, but no slash may follow it.
        assert parse_origin(text) is None


class TestSameOrigin:
    @pytest.mark.parametrize(
        ("origin", "scheme", "host"),
        [
            ("https://good.com", "wss", "good.com"),
            ("https://good.com", "https", "good.com"),
            ("http://good.com", "ws", "good.com"),
            ("http://good.com", "http", "good.com"),
            ("https://good.com", "wss", "good.com:443"),
            ("https://good.com:443", "wss", "good.com"),
            ("http://good.com", "ws", "good.com:80"),
            ("http://good.com:8000", "ws", "good.com:8000"),
            ("HTTPS://Good.COM", "WSS", "gOOD.com"),
            ("http://good.com.", "ws", "good.com."),
            ("http://[::1]:8000", "ws", "[::1]:8000"),
            ("http://[::1]:8000", "ws", "[0:0:0:0:0:0:0:1]:8000"),
            ("http://192.0.2.1", "ws", "192.0.2.1"),
            # ws4py and Starscream send the origin of the websocket.
            ("ws://good.com", "ws", "good.com"),
            ("ws://good.com:80", "ws", "good.com"),
            ("ws://good.com:8000", "http", "good.com:8000"),
            ("wss://good.com", "wss", "good.com"),
            ("WSS://good.com:443", "https", "good.com:443"),
        ],
    )
    def test_allowed(self, origin: str, scheme: str, host: str) -> None:
        assert allows(OriginPolicy(), origin, scheme=scheme, host=host)

    @pytest.mark.parametrize(
        "origin",
        [
            "https://evil.com",
            "https://good.com.evil.com",
            "https://evilgood.com",
            "https://good.com-evil.com",
            "https://sub.good.com",
            "https://com",
            "https://good.com@evil.com",
            "https://evil.com@good.com",
            "https://good.com:443@evil.com",
            "https://evil.com/good.com",
            "https://evil.com#good.com",
            "https://evil.com?https://good.com",
            "https://good.com\\.evil.com",
            "https://good.com%2eevil.com",
            "https://good.com%00.evil.com",
            "https://good.com.",
            "https://good.com/",
            "https://good.com:8443",
            "https://good.com:80",
            "https://good.com https://evil.com",
            "https://evil.com https://good.com",
            "http://good.com",
            "ws://good.com",
            "wss://good.com:80",
            "wss://evil.com",
            "file://good.com",
            "good.com",
            "//good.com",
            "null",
            "NULL",
            "file://",
            "*",
            "",
            " ",
            "https://",
            "https://göod.com",
            "same-origin",
        ],
    )
    def test_refused(self, origin: str) -> None:
        assert not allows(OriginPolicy(), origin)

    @pytest.mark.parametrize(
        ("origin", "host"),
        [
            ("http://good.com", "good.com:443"),
            ("http://good.com:80", "good.com:8000"),
            ("http://[::1]", "[::2]"),
            ("http://a", "a/?x="),
            ("http://a/?x=", "a/?x="),
            ("http://", ""),
            ("http://user@good.com", "user@good.com"),
            ("http://127.0.0.1", "localhost"),
        ],
    )
    def test_an_origin_is_refused_for_its_host(self, origin: str, host: str) -> None:
        assert not allows(OriginPolicy(), origin, scheme="ws", host=host)

    def test_a_program_sends_no_origin(self) -> None:
        assert allows(OriginPolicy(), None)
        assert allows(OriginPolicy([]), None)


class TestLists:
    def test_an_exact_origin_is_allowed(self) -> None:
        policy = OriginPolicy(["https://app.example.com", "http://example.com:8080"])
        assert allows(policy, "https://app.example.com")
        assert allows(policy, "https://APP.example.com:443")
        assert allows(policy, "http://example.com:8080")
        assert not allows(policy, "http://app.example.com")
        assert not allows(policy, "https://app.example.com:8443")
        assert not allows(policy, "https://app.example.com.")
        assert not allows(policy, "https://app.example.com.evil.com")
        assert not allows(policy, "http://example.com")

    def test_a_list_replaces_the_default(self) -> None:
        assert not allows(OriginPolicy(["https://app.example.com"]), "https://good.com")
        assert allows(OriginPolicy(["https://app.example.com", "same-origin"]), "https://good.com")

    def test_an_empty_list_refuses_every_page(self) -> None:
        assert not allows(OriginPolicy([]), "https://good.com")

    def test_a_single_pattern_needs_no_list(self) -> None:
        assert allows(OriginPolicy("https://app.example.com"), "https://app.example.com")

    def test_any_iterable_is_accepted(self) -> None:
        assert OriginPolicy(iter(["same-origin", "null"])).allowed == ("same-origin", "null")

    def test_case_and_default_port_of_a_pattern_do_not_matter(self) -> None:
        policy = OriginPolicy(["HTTPS://App.Example.com:443", "http://[0:0::1]:8000"])
        assert allows(policy, "https://app.example.com")
        assert allows(policy, "http://[::1]:8000")

    def test_other_schemes_are_exact(self) -> None:
        policy = OriginPolicy(["chrome-extension://abcdef"])
        assert allows(policy, "chrome-extension://abcdef")
        assert not allows(policy, "chrome-extension://abcdeg")
        assert not allows(policy, "moz-extension://abcdef")

    def test_a_websocket_scheme_counts_as_that_of_the_page(self) -> None:
        policy = OriginPolicy(["wss://app.example.com", "ws://*.example.com:8080"])
        assert allows(policy, "https://app.example.com")
        assert allows(policy, "wss://app.example.com")
        assert allows(policy, "http://a.example.com:8080")
        assert not allows(policy, "http://app.example.com")
        assert not allows(policy, "https://a.example.com:8080")

    def test_every_origin_of_a_scheme_can_be_allowed(self) -> None:
        policy = OriginPolicy(["vscode-webview://*", "Chrome-Extension://*", "app://.", "capacitor://localhost"])
        for origin in ("vscode-webview://0abc-1", "chrome-extension://abcdef", "app://.", "capacitor://localhost"):
            assert allows(policy, origin)
        for origin in ("moz-extension://abc", "app://other", "https://abcdef", "null", "vscode-webview://", "app://"):
            assert not allows(policy, origin)

    @pytest.mark.parametrize("pattern", ["null", "file://"])
    def test_pages_without_a_host_only_when_listed(self, pattern: str) -> None:
        assert allows(OriginPolicy([pattern]), pattern)
        assert not allows(OriginPolicy(["https://*.example.com", "same-origin"], loopback=True), pattern)
        assert not allows(OriginPolicy([pattern]), "https://null")

    @pytest.mark.parametrize("origin", ["https://evil.com", "null", "file://", "", "no origin at all"])
    def test_the_star_allows_everything(self, origin: str) -> None:
        assert allows(OriginPolicy("*"), origin)


class TestExplain:
    def test_the_refusal_explains_same_origin(self) -> None:
        said = OriginPolicy().explain("http://evil.com", scheme="ws", host="127.0.0.1:8000")
        assert said == ("the origin 'http://evil.com' may not connect; same-origin means 'http://127.0.0.1:8000' here")

    @pytest.mark.parametrize(
        ("origin", "scheme", "host"),
        [
            ("https://good.com", "ws", "good.com"),
            ("https://good.com:8443", "ws", "good.com:8443"),
            ("https://good.com", "http", "good.com:443"),
            ("http://good.com", "wss", "good.com"),
        ],
    )
    def test_the_refusal_explains_a_different_scheme(self, origin: str, scheme: str, host: str) -> None:
        policy = OriginPolicy()
        assert not policy.allows(origin, scheme=scheme, host=host)
        assert "Only the scheme differs" in policy.explain(origin, scheme=scheme, host=host)
        assert "server.trusted_proxies" in policy.explain(origin, scheme=scheme, host=host)

    @pytest.mark.parametrize(
        "origin", ["https://evil.com", "https://good.com:8443", "null", "file://", "app://good.com"]
    )
    def test_the_refusal_explains_several_differences(self, origin: str) -> None:
        assert "Only the scheme" not in OriginPolicy().explain(origin, scheme="ws", host="good.com")

    def test_a_list_without_same_origin_is_not_explained(self) -> None:
        policy = OriginPolicy(["https://partner.example"])
        assert policy.explain("null", scheme="wss", host="good.com") == "the origin 'null' may not connect"

    def test_the_value_of_a_peer_is_shortened_and_printable(self) -> None:
        said = OriginPolicy().explain("x" * 9999 + "\u202e\n", scheme="wss", host="\n")
        assert said.isprintable()
        assert len(said) < 300


class TestSubdomains:
    @pytest.mark.parametrize(
        "origin",
        [
            "https://a.example.com",
            "https://a.b.example.com",
            "https://A.Example.COM",
            "https://a.example.com:443",
            "https://x-1_y.example.com",
        ],
    )
    def test_allowed(self, origin: str) -> None:
        assert allows(OriginPolicy(["https://*.example.com"]), origin)

    @pytest.mark.parametrize(
        "origin",
        [
            "https://example.com",
            "https://.example.com",
            "https://evilexample.com",
            "https://a.example.com.evil.com",
            "https://a.example.com.",
            "https://a.example.com:8443",
            "http://a.example.com",
            "http://a.example.com:443",
            "https://evil.com/.example.com",
            "https://evil.com#.example.com",
            "https://evil.com@a.example.com",
            "https://evil.com\\.example.com",
            "https://a.example.org",
        ],
    )
    def test_refused(self, origin: str) -> None:
        assert not allows(OriginPolicy(["https://*.example.com"]), origin)

    def test_the_port_must_match(self) -> None:
        policy = OriginPolicy(["http://*.example.com:8080"])
        assert allows(policy, "http://a.example.com:8080")
        assert not allows(policy, "http://a.example.com")


class TestLoopback:
    @pytest.mark.parametrize(
        "origin",
        [
            "http://localhost",
            "http://localhost:5173",
            "https://LOCALHOST:3000",
            "http://app.localhost:3000",
            "http://127.0.0.1:5173",
            "http://127.8.9.10",
            "http://[::1]:5173",
        ],
    )
    def test_loopback_is_allowed_only_on_request(self, origin: str) -> None:
        assert allows(OriginPolicy(loopback=True), origin)
        assert not allows(OriginPolicy(), origin)

    @pytest.mark.parametrize(
        "origin",
        [
            "http://localhost.evil.com",
            "http://evillocalhost",
            "http://localhost@evil.com",
            "http://127.0.0.1.evil.com",
            "http://127.0.0.1evil.com",
            "http://128.0.0.1",
            "http://0.0.0.0",
            "http://10.0.0.1",
            "http://[::2]",
            "http://[::]",
            "http://127.evil",
            "ftp://localhost",
            "null",
            "https://evil.com",
        ],
    )
    def test_look_alikes_are_refused(self, origin: str) -> None:
        assert not allows(OriginPolicy(loopback=True), origin)


class TestPatterns:
    @pytest.mark.parametrize(
        "pattern",
        [
            "",
            "example.com",
            "*.example.com",
            "https://example.com/",
            "https://example.com/app",
            "https://user@example.com",
            "https://example.com:port",
            "https://example.com:70000",
            "https://",
            "https://*",
            "http://*",
            "wss://*",
            "https://.",
            "app://..",
            "app://*:80",
            "app://*x",
            "https://*.",
            "https://*..",
            "https://*example.com",
            "https://a.*.example.com",
            "https://*.*.example.com",
            "https://example.*",
            "https://example.com:*",
            "https://münchen.de",
            " https://example.com",
            "same_origin",
            "self",
            "NULL",
            "**",
        ],
    )
    def test_an_error_about_a_pattern_says_what_is_allowed(self, pattern: str) -> None:
        with pytest.raises(ConfigurationError, match=r"allowed are 'same-origin', 'https://example.com'") as caught:
            OriginPolicy(["same-origin", pattern])
        assert repr(pattern) in str(caught.value)

    @pytest.mark.parametrize("pattern", [None, 5, b"https://example.com"])
    def test_other_types_are_refused(self, pattern: str) -> None:
        with pytest.raises(ConfigurationError, match="an origin is a str"):
            OriginPolicy([pattern])

    @pytest.mark.parametrize("allowed", [None, 5, True])
    def test_a_value_other_than_a_list_is_refused(self, allowed: str) -> None:
        with pytest.raises(ConfigurationError, match="origins are a str or a list of them"):
            OriginPolicy(allowed)

    def test_the_repr_shows_the_patterns(self) -> None:
        assert repr(OriginPolicy(["null"], loopback=True)) == "OriginPolicy(['null'], loopback=True)"


@given(st.text(), st.sampled_from(["ws", "wss"]), st.text())
def test_any_origin_is_allowed_or_refused(origin: str, scheme: str, host: str) -> None:
    policy = OriginPolicy(["same-origin", "https://*.example.com"], loopback=True)
    assert policy.allows(origin, scheme=scheme, host=host) in (True, False)


@given(st.text("abe.:/@%\\#?-*[]1").map(lambda rest: "https://" + rest))
def test_nothing_but_a_subdomain_passes_as_one(origin: str) -> None:
    if allows(OriginPolicy(["https://*.example.com"]), origin):
        assert origin.removesuffix(":443").endswith(".example.com")


@given(st.text("abe.:/@%\\#?-*[]1", max_size=20))
def test_the_suffix_of_the_host_decides(prefix: str) -> None:
    policy = OriginPolicy(["https://*.example.com"])
    allowed = allows(policy, f"https://{prefix}.example.com")
    assert allowed == (parse_origin(f"https://{prefix}.example.com") is not None and prefix != "" and "[" not in prefix)
