"""The grammar of header fields (RFC 9110, section 5)."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.errors import RequestError
from emmett.wire.fields import HeaderFields, check_fields, encode_fields, find_fault, has_member, is_token, split_list

TOKEN_CHARACTERS = string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~"
FORBIDDEN = {b"connection": "the server sets it"}


def test_exactly_the_token_characters_make_tokens() -> None:
    assert [chr(code) for code in range(256) if is_token(bytes((code,)))] == sorted(TOKEN_CHARACTERS)


@pytest.mark.parametrize("value", [b"", b"a b", b"a,b", b"a\n", b"a=b", b'"a"', b"a/b", b"caf\xe9"])
def test_other_texts_are_no_tokens(value: bytes) -> None:
    assert not is_token(value)


@pytest.mark.parametrize(
    ("value", "members"),
    [
        (b"", []),
        (b" ,\t, ", []),
        (b"a", [b"a"]),
        (b"a,b", [b"a", b"b"]),
        (b" a \t,, b c ,", [b"a", b"b c"]),
        (b"a\x0b,\x85b", [b"a\x0b", b"\x85b"]),
    ],
)
def test_lists_are_split(value: bytes, members: list[bytes]) -> None:
    assert split_list(value) == members


@pytest.mark.parametrize(
    "value", [b"upgrade", b"UpGrade", b"keep-alive, Upgrade", b"upgrade ,x", b",\tupgrade,", b"a,,upgrade"]
)
def test_members_of_lists_are_found(value: bytes) -> None:
    assert has_member(value, b"upgrade")


@pytest.mark.parametrize(
    "value",
    [b"", b"notupgrade", b"upgrades", b"up grade", b"a upgrade", b'"upgrade"', b"upgrade;q=1", b"upgrade\x0b", b"a,b"],
)
def test_missing_members_are_not_found(value: bytes) -> None:
    assert not has_member(value, b"upgrade")


class TestCheckFields:
    @pytest.mark.parametrize(
        "value",
        [b"", b"plain", b"tab\tinside", b"caf\xe9", "Åsa ä … 🦊".encode(), bytes(range(0xA0, 0x100)), b'a="b";c'],
    )
    def test_valid_values_are_accepted(self, value: bytes) -> None:
        check_fields([(b"host", b"a"), (b"x-value", value)])

    @pytest.mark.parametrize("code", [*range(0x09), *range(0x0A, 0x20), 0x7F, 0x85])
    @pytest.mark.parametrize("template", [b"%c", b"a%cb", b"a%c", b"%cb"])
    def test_control_characters_in_a_value(self, code: int, template: bytes) -> None:
        with pytest.raises(RequestError, match=r"x-value.*control character") as caught:
            check_fields([(b"host", b"a"), (b"x-value", template % code)])
        assert caught.value.status == 400

    def test_a_folded_line_is_refused(self) -> None:
        with pytest.raises(RequestError, match="0x0d"):
            check_fields([(b"x-folded", b"one\r\n two")])

    def test_a_fault_is_found_after_harmless_high_bytes(self) -> None:
        with pytest.raises(RequestError, match="x-bad"):
            check_fields([(b"cookie", "name=Åsa".encode()), (b"x-bad", b"a\x85b")])

    @pytest.mark.parametrize(
        "name", [b"", b" ", b"host ", b"ho st", b"host:", b"ho\x00st", b"h\xf6st", b"(host)", b"ho\x85st"]
    )
    def test_names_that_are_no_tokens(self, name: bytes) -> None:
        with pytest.raises(RequestError, match="token") as caught:
            check_fields([(b"host", b"a"), (name, b"b")])
        assert caught.value.status == 400

    @given(st.lists(st.tuples(st.binary(max_size=8), st.binary(max_size=12))))
    def test_any_head_is_read_or_refused(self, headers: list[tuple[bytes, bytes]]) -> None:
        fault = find_fault([name for name, _ in headers], [value for _, value in headers])
        if fault is None:
            assert all(is_token(name) for name, _ in headers)
            assert not any(set(value) & set(b"\x00\r\n\x0b\x0c\x1c\x1d\x1e\x7f") for _, value in headers)
        else:
            assert fault.isascii()
            assert fault.isprintable()
            with pytest.raises(RequestError) as caught:
                check_fields(headers)
            assert (caught.value.status, caught.value.message) == (400, fault)


class TestEncodeFields:
    @pytest.mark.parametrize(
        "headers",
        [{"X-One": "1", "x-two": "é"}, [("X-One", "1"), ("x-two", "é")], iter([(b"X-One", b"1"), (b"x-two", b"\xe9")])],
        ids=["mapping", "pairs", "iterator of bytes"],
    )
    def test_fields_may_have_several_forms(self, headers: HeaderFields) -> None:
        assert encode_fields(headers, FORBIDDEN) == [(b"x-one", b"1"), (b"x-two", b"\xe9")]

    def test_repeated_fields_are_kept(self) -> None:
        assert encode_fields([("set-cookie", "a=1"), ("Set-Cookie", "b=2")], {}) == [
            (b"set-cookie", b"a=1"),
            (b"set-cookie", b"b=2"),
        ]

    @pytest.mark.parametrize("character", ["\r", "\n", "\0", "\x0b", "\x1b", "\x7f"])
    def test_control_characters_in_a_value(self, character: str) -> None:
        for value in (f"secret{character}x: y", f"secret{character}x: y".encode()):
            with pytest.raises(ValueError, match=r"'x-value'.*control character") as caught:
                encode_fields([("x-value", value)], {})
            assert "secret" not in str(caught.value)

    @pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\nb", "a\0", "é", b"a\n"])
    def test_names_that_are_no_tokens(self, name: str | bytes) -> None:
        with pytest.raises(ValueError, match="not a token"):
            encode_fields([(name, "x")], {})

    @pytest.mark.parametrize("pair", [("x-name", "€"), ("x-€", "a"), ("x-name", "\ud800")])
    def test_text_outside_latin1_is_refused(self, pair: tuple[str, str]) -> None:
        with pytest.raises(ValueError, match="latin-1"):
            encode_fields([pair], {})

    @pytest.mark.parametrize("name", ["connection", "Connection", b"CONNECTION"])
    def test_forbidden_names_are_refused_in_any_case(self, name: str | bytes) -> None:
        with pytest.raises(ValueError, match="'connection' cannot be set here: the server sets it"):
            encode_fields([(name, "close")], FORBIDDEN)

    @pytest.mark.parametrize("pair", [("x-name", 5), (5, "x"), ("x-name", None), ("x-name", ["a"])])
    def test_other_types_are_refused(self, pair: tuple[str, str]) -> None:
        with pytest.raises(TypeError, match="must be str or bytes"):
            encode_fields([pair], {})

    @given(
        st.lists(st.tuples(st.text(max_size=4) | st.binary(max_size=4), st.text(max_size=8) | st.binary(max_size=8)))
    )
    def test_each_encoded_field_is_one_line(self, headers: list[tuple[str | bytes, str | bytes]]) -> None:
        try:
            fields = encode_fields(headers, {})
        except ValueError:
            return
        head = b"".join(b"%b: %b\r\n" % field for field in fields).decode("latin-1")
        assert head.count("\n") == head.count("\r") == len(headers)
