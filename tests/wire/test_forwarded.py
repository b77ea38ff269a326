"""Information from proxies about the client."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.errors import ConfigurationError
from emmett.wire.forwarded import MAX_HOPS, TrustedProxies, Visitor, find_visitor
from tests.work import check_linear

PEER = ("127.0.0.1", 40000)
PROXIES = ["127.0.0.1", "10.0.0.0/8", "fd00::/8", "unix"]
TRUSTED = TrustedProxies(PROXIES)
# Proxies that write Forwarded.
RFC_7239 = TrustedProxies(PROXIES, "forwarded")


def visitor(
    *fields: tuple[str, str],
    peer: tuple[str, int] | None = PEER,
    scheme: str = "http",
    trusted: TrustedProxies = TRUSTED,
) -> Visitor | None:
    headers = [(name.encode(), value.encode("latin-1")) for name, value in fields]
    return find_visitor(peer, scheme, headers, trusted)


def forwarded(*lines: str) -> Visitor:
    found = visitor(*[("forwarded", line) for line in lines], trusted=RFC_7239)
    assert found is not None
    return found


def x_forwarded(**values: str) -> Visitor:
    found = visitor(*[(f"x-forwarded-{name}", value) for name, value in values.items()])
    assert found is not None
    return found


class TestTrustedProxies:
    @pytest.mark.parametrize("peer", ["127.0.0.1", "10.255.0.1", "fd00::1", "::ffff:10.0.0.1", "fd12::1%eth0", None])
    def test_listed_proxies_are_trusted(self, peer: str | None) -> None:
        assert TRUSTED.trusts(peer)

    @pytest.mark.parametrize("peer", ["127.0.0.2", "11.0.0.1", "fe80::1", "::1", "unix", "", "10.0.0", "localhost"])
    def test_other_addresses_are_not_trusted(self, peer: str) -> None:
        assert not TRUSTED.trusts(peer)

    @pytest.mark.parametrize(
        ("entry", "peer", "other"),
        [
            ("::ffff:127.0.0.1", "127.0.0.1", "127.0.0.2"),
            ("::ffff:10.0.0.0/104", "10.1.2.3", "11.0.0.0"),
            ("::ffff:0:0/96", "192.0.2.1", "2001:db8::1"),
            ("::/0", "2001:db8::1", "127.0.0.1"),
        ],
    )
    def test_ipv4_addresses_written_as_ipv6_are_recognised(self, entry: str, peer: str, other: str) -> None:
        trusted = TrustedProxies([entry])
        assert trusted.trusts(peer)
        assert not trusted.trusts(other)

    def test_a_zone_is_refused_because_it_would_never_match(self) -> None:
        with pytest.raises(ConfigurationError, match=r"without their zone, write 'fe80::1'"):
            TrustedProxies(["fe80::1%eth0"])

    def test_no_proxy_is_trusted_by_default(self) -> None:
        nobody = TrustedProxies()
        assert not nobody
        assert not nobody.trusts("127.0.0.1")
        assert not nobody.trusts(None)

    def test_the_peer_of_a_unix_socket_has_its_own_entry(self) -> None:
        assert TrustedProxies("unix").trusts(None)
        assert not TrustedProxies(["0.0.0.0/0", "::/0"]).trusts(None)

    @pytest.mark.parametrize(
        "entries", ["*", "localhost", "10.0.0.1/8", "10.0.0.0/33", "", [1], [b"10.0.0.0/8"], 7, None]
    )
    def test_invalid_proxies_are_refused(self, entries: object) -> None:
        with pytest.raises(ConfigurationError, match=r"allowed are addresses such as '127\.0\.0\.1'"):
            TrustedProxies(entries)  # type: ignore[arg-type]


class TestForwarded:
    def test_one_element_may_contain_everything(self) -> None:
        line = 'For="[2001:DB8::1]:4711";Proto=HTTPS;host="shop.example:8443";by=_proxy'
        assert forwarded(line) == Visitor(("2001:db8::1", 4711), "https", "shop.example:8443")

    @pytest.mark.parametrize(
        ("node", "client"),
        [
            ("192.0.2.1", ("192.0.2.1", 0)),
            ('"192.0.2.1:80"', ("192.0.2.1", 80)),
            ("192.0.2.1:80", ("192.0.2.1", 80)),
            ('"192.0.2.1:_port"', ("192.0.2.1", 0)),
            ('"192.0.2.1:70000"', ("192.0.2.1", 0)),
            ('"[2001:db8::1]"', ("2001:db8::1", 0)),
            ('"\\1\\9\\2.0.2.1"', ("192.0.2.1", 0)),
            ('"[::ffff:192.0.2.1]"', ("192.0.2.1", 0)),
            ("unknown", None),
            ('"UNKNOWN:80"', None),
            ("_hidden", None),
            ('"_SEVKISEK:_1.2-3"', None),
        ],
    )
    def test_nodes_are_read(self, node: str, client: tuple[str, int] | None) -> None:
        assert forwarded(f"for={node}").client == client

    @pytest.mark.parametrize(
        "node", ["", "x", "1.2.3", "1.2.3.4.5", "1.2.3.400", '"[1.2.3.4]x"', '"[::1"', '"[:::1]"', "_"]
    )
    def test_an_invalid_node_is_ignored(self, node: str) -> None:
        assert forwarded(f"proto=https;for={node}") == Visitor(PEER, "https", None)

    @pytest.mark.parametrize(
        "lines",
        [
            ("for=6.6.6.6, for=192.0.2.1",),
            ("for=6.6.6.6", "for=192.0.2.1"),
            ("for=192.0.2.1, for=10.0.0.1, for=10.0.0.2",),
            ("for=192.0.2.1,for=10.0.0.1", "", ",", "for=10.0.0.2 , ,"),
            ('for=10.0.0.9;x="a,b;for=6.6.6.6", for=192.0.2.1',),
            ('for=192.0.2.1 ; x="a\\"b,\\\\", for=10.0.0.1;x="\\\\"; ;',),
        ],
    )
    def test_lists_are_read_from_the_right(self, lines: tuple[str, ...]) -> None:
        assert forwarded(*lines) == Visitor(("192.0.2.1", 0), "http", None)

    @pytest.mark.parametrize(
        "forged", ['for="', 'for="x\\', '"', "\\", "=;=", "for=10.0.0.1;for=10.0.0.1", 'a="\\', "é", "("]
    )
    @pytest.mark.parametrize("node", ["192.0.2.1", '"192.0.2.1"', '"192.0.2.1:_a"'])
    def test_fields_of_a_client_cannot_hide_those_of_the_proxy(self, forged: str, node: str) -> None:
        assert forwarded(f"{forged}, for={node};host=a.example").client == ("192.0.2.1", 0)
        assert forwarded(forged, f"for={node};host=a.example").host == "a.example"

    def test_scheme_and_host_are_those_of_the_outermost_proxy(self) -> None:
        found = forwarded("for=192.0.2.1;proto=https;host=a.example, for=10.0.0.1;proto=http;host=inner")
        assert found == Visitor(("192.0.2.1", 0), "https", "a.example")

    def test_information_from_an_untrusted_hop_is_ignored(self) -> None:
        found = forwarded("for=10.0.0.1;proto=https;host=evil.example, for=192.0.2.1;proto=http;host=a.example")
        assert found == Visitor(("192.0.2.1", 0), "http", "a.example")

    @pytest.mark.parametrize("malformed", [";=", "=", "for", ";=b", 'for="', "for=10.0.0.2;=;", 'a="b"c', "a=b c"])
    def test_nothing_before_a_malformed_element_counts(self, malformed: str) -> None:
        # CPython 3.11.2 matches other strings with possessive groups than its successors.
        found = forwarded(f"for=6.6.6.6;host=evil.example,{malformed}, for=10.0.0.1;host=a.example")
        assert found == Visitor(("10.0.0.1", 0), "http", "a.example")

    def test_nothing_beyond_a_hidden_hop_is_trusted(self) -> None:
        assert forwarded("for=10.0.0.1;host=evil.example, for=unknown") == Visitor(None, "http", None)

    @pytest.mark.parametrize("pair", ["proto=ftp", "proto=", 'host="a b"', 'host="a/b"', "host=", 'host="é"'])
    def test_an_invalid_scheme_or_host_is_ignored(self, pair: str) -> None:
        assert forwarded(f"for=192.0.2.1;{pair}") == Visitor(("192.0.2.1", 0), "http", None)

    @pytest.mark.parametrize(
        ("told", "scheme"), [("wss", "https"), ("ws", "http"), ("https", "https"), ("http", "http")]
    )
    def test_schemes_are_read(self, told: str, scheme: str) -> None:
        assert visitor(("forwarded", f"proto={told}"), scheme="https", trusted=RFC_7239) == Visitor(PEER, scheme, None)

    def test_the_number_of_hops_is_bounded(self) -> None:
        hops = ["for=192.0.2.1"] + [f"for=10.0.0.{number}" for number in range(100)]
        assert forwarded(", ".join(hops)).client == (f"10.0.0.{100 - MAX_HOPS}", 0)


class TestXForwarded:
    @pytest.mark.parametrize(
        ("told", "client"),
        [
            ("192.0.2.1", ("192.0.2.1", 0)),
            ("192.0.2.1:4711", ("192.0.2.1", 4711)),
            ("2001:db8::1", ("2001:db8::1", 0)),
            ("[2001:db8::1]:80", ("2001:db8::1", 80)),
            ("6.6.6.6, 192.0.2.1", ("192.0.2.1", 0)),
            ("10.0.0.1, 192.0.2.1", ("192.0.2.1", 0)),
            ("192.0.2.1, 10.0.0.1,10.0.0.2", ("192.0.2.1", 0)),
            ("garbage, 192.0.2.1", ("192.0.2.1", 0)),
            ("garbage, 10.0.0.1", ("10.0.0.1", 0)),
            ("unknown", None),
            ("garbage", PEER),
            ("10.0.0.1", ("10.0.0.1", 0)),
        ],
    )
    def test_clients_are_read(self, told: str, client: tuple[str, int] | None) -> None:
        assert x_forwarded(**{"for": told}).client == client

    def test_several_lines_are_one_list(self) -> None:
        lines = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "192.0.2.1")]
        assert visitor(*lines) == Visitor(("192.0.2.1", 0), "http", None)

    def test_scheme_and_host_are_read(self) -> None:
        found = x_forwarded(**{"for": "192.0.2.1, 10.0.0.1", "proto": "https", "host": "a.example"})
        assert found == Visitor(("192.0.2.1", 0), "https", "a.example")

    def test_values_that_a_client_puts_before_the_proxy_are_ignored(self) -> None:
        found = x_forwarded(**{"for": "6.6.6.6, 192.0.2.1", "proto": "https, http", "host": "evil.example, a.example"})
        assert found == Visitor(("192.0.2.1", 0), "http", "a.example")

    def test_a_scheme_may_come_alone(self) -> None:
        assert x_forwarded(proto="https") == Visitor(PEER, "https", None)

    @pytest.mark.parametrize(
        ("host", "port", "expected"),
        [
            ("a.example", "8443", "a.example:8443"),
            ("a.example", "443", "a.example"),
            ("a.example:", "8443", "a.example:8443"),
            ("a.example:81", "8443", "a.example:81"),
            ("[2001:db8::1]", "8443", "[2001:db8::1]:8443"),
            ("a.example", "x", "a.example"),
            ("a.example", "70000", "a.example"),
            ("a.example", "9" * 5000, "a.example"),
            ("a b", "8443", None),
        ],
    )
    def test_ports_are_read(self, host: str, port: str, expected: str | None) -> None:
        assert x_forwarded(proto="https", host=host, port=port).host == expected


class TestWhoIsHeard:
    @pytest.mark.parametrize("name", ["forwarded", "x-forwarded-for"])
    @pytest.mark.parametrize("trusted", [TRUSTED, RFC_7239])
    def test_an_untrusted_peer_is_ignored(self, name: str, trusted: TrustedProxies) -> None:
        value = "for=6.6.6.6;proto=https" if name == "forwarded" else "6.6.6.6"
        assert visitor((name, value), peer=("192.0.2.1", 1), trusted=trusted) is None

    def test_without_forwarded_fields_nothing_changes(self) -> None:
        assert visitor(("host", "a.example"), ("x-real-ip", "6.6.6.6")) is None

    def test_the_peer_of_a_unix_socket_can_be_trusted(self) -> None:
        assert visitor(("x-forwarded-for", "192.0.2.1"), peer=None) == Visitor(("192.0.2.1", 0), "http", None)
        assert visitor(("x-forwarded-proto", "https"), peer=None) == Visitor(None, "https", None)
        fields = [(b"x-forwarded-for", b"6.6.6.6")]
        assert find_visitor(None, "http", fields, TrustedProxies(["0.0.0.0/0"])) is None

    def test_only_the_fields_that_the_proxies_write_are_read(self) -> None:
        """Fields of the other kind may come from a client, through a proxy that does not know them."""
        forged = [("x-forwarded-for", "6.6.6.6"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "evil.example")]
        told = ("forwarded", "for=192.0.2.1")
        assert visitor(*forged, told, trusted=RFC_7239) == Visitor(("192.0.2.1", 0), "http", None)
        assert visitor(*forged, trusted=RFC_7239) is None
        forged = [("forwarded", "for=6.6.6.6;proto=https;host=evil.example")]
        assert visitor(*forged, ("x-forwarded-for", "192.0.2.1")) == Visitor(("192.0.2.1", 0), "http", None)
        assert visitor(*forged) is None


NAMES = ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port"]
PIECES = [
    "for",
    "host",
    "proto",
    "=",
    ";",
    ",",
    '"',
    "\\",
    " ",
    "10.0.0.1",
    "[fd00::1]",
    ":80",
    "unknown",
    "_a",
    "https",
    "é",
]
VALUES = st.text(st.characters(max_codepoint=255)) | st.lists(st.sampled_from(PIECES)).map("".join)


@given(st.lists(st.tuples(st.sampled_from(NAMES), VALUES)), st.sampled_from([TRUSTED, RFC_7239]))
def test_no_fields_cause_an_error(fields: list[tuple[str, str]], trusted: TrustedProxies) -> None:
    found = visitor(*fields, trusted=trusted)
    assert (found is None) == (not any(name.startswith(trusted.headers) for name, _ in fields))
    if found is not None:
        assert found.scheme in {"http", "https"}
        assert found.client is None or 0 <= found.client[1] <= 65535


@given(VALUES, st.sampled_from([", ", ","]), st.sampled_from(["for=192.0.2.1", 'x="\\",";For="192.0.2.1";Proto=http']))
def test_no_forwarded_of_a_client_is_believed(forged: str, comma: str, added: str) -> None:
    assert forwarded(forged + comma + added) == Visitor(("192.0.2.1", 0), "http", None)


@given(VALUES)
def test_no_x_forwarded_for_of_a_client_is_believed(forged: str) -> None:
    assert x_forwarded(**{"for": f"{forged}, 192.0.2.1"}) == Visitor(("192.0.2.1", 0), "http", None)


@pytest.mark.parametrize("piece", ['"\\', ",", ";", "a", "for=1;", "for=10.0.0.1,", '"', "\\", "_", "1:", "= ", " "])
def test_fields_take_linear_time(piece: str) -> None:
    def read(size: int) -> None:
        value = (piece * size)[:size]
        for text in (value, 'for="' + value, value + '"', f'a="{value}"'):
            visitor(("x-forwarded-for", text), ("x-forwarded-host", text))
            visitor(("forwarded", text), trusted=RFC_7239)

    check_linear(read, 1 << 18)  # Divided by powers of two it stays even, and so do the quotes.
