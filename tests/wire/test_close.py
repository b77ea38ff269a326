"""Close codes and the payload of Close frames (RFC 6455, 5.5.1 and 7.4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.errors import FrameError
from emmett.wire.close import (
    CloseCode,
    Sender,
    check_received,
    check_to_send,
    encode_close,
    may_be_sent,
    parse_close,
)

ALLOWED = [*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)]
FORBIDDEN = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1999, 2000, 2999, 5000, 9999, 65535]
CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]


def parse(payload: bytes) -> tuple[int, str] | FrameError:
    try:
        return parse_close(payload)
    except FrameError as error:
        return error


def fails(payload: bytes) -> int:
    error = parse(payload)
    assert isinstance(error, FrameError)
    assert error.reason
    # The reason must fit into a Close frame, and the code must be a plain number.
    assert len(encode_close(error.code, error.reason)) > 2
    assert type(error.code) is int
    return error.code


class TestCodes:
    def test_exactly_the_registered_ranges_may_be_sent(self) -> None:
        assert [code for code in range(65536) if may_be_sent(code)] == ALLOWED

    def test_named_codes_have_the_numbers_of_the_registry(self) -> None:
        assert [int(code) for code in CloseCode] == [*range(1000, 1004), *range(1005, 1016)]
        assert CloseCode.NORMAL.value == 1000
        assert f"{CloseCode.SERVICE_RESTART}" == "1012"

    def test_every_named_code_names_its_sender(self) -> None:
        assert {code for code in CloseCode if code.sender is Sender.NOBODY} == {1005, 1006, 1015}
        assert {code for code in CloseCode if code.sender is Sender.CLIENT} == {1010}
        assert {code for code in CloseCode if code.sender is Sender.SERVER} == {1011, 1012, 1013, 1014}

    @pytest.mark.parametrize("code", FORBIDDEN)
    def test_a_peer_that_sends_another_code_breaks_the_protocol(self, code: int) -> None:
        with pytest.raises(FrameError) as caught:
            check_received(code)
        assert caught.value.code == 1002

    @pytest.mark.parametrize("code", [1000, 1003, 1007, 1014, 3000, 4999])
    def test_a_peer_may_send_these_codes(self, code: int) -> None:
        check_received(code)


class TestCheckToSend:
    @pytest.mark.parametrize("code", [*ALLOWED[:12], 3000, 4999])
    def test_allowed_codes_are_accepted(self, code: int) -> None:
        check_to_send(code, "bye")

    @pytest.mark.parametrize("code", [*FORBIDDEN, -1, 1 << 40, True])
    def test_an_error_names_the_forbidden_code_and_what_is_allowed(self, code: int) -> None:
        with pytest.raises(ValueError, match=rf"{code!r} .* 1000 to 1003, 1007 to 1014 and 3000 to 4999"):
            check_to_send(code, "")

    @pytest.mark.parametrize("code", ["1000", 1000.0, None, b"\x03\xe8"])
    def test_a_code_must_be_a_whole_number(self, code: object) -> None:
        with pytest.raises(ValueError, match="1000 to 1003"):
            check_to_send(code, "")  # type: ignore[arg-type]

    @pytest.mark.parametrize("reason", ["", "a" * 123, "é" * 61, "🦊" * 30, "two words"])
    def test_reasons_that_fit_are_accepted(self, reason: str) -> None:
        check_to_send(1000, reason)

    @pytest.mark.parametrize("reason", ["a" * 124, "é" * 62, "🦊" * 31, "x" * 100_000])
    def test_reasons_are_measured_in_bytes(self, reason: str) -> None:
        with pytest.raises(ValueError, match="allowed are 123") as caught:
            check_to_send(1000, reason)
        assert str(len(reason.encode())) in str(caught.value)
        assert len(str(caught.value)) < 500

    @pytest.mark.parametrize("control", CONTROLS)
    def test_control_characters_are_refused(self, control: str) -> None:
        with pytest.raises(ValueError, match="control character"):
            check_to_send(1000, f"a{control}b")

    def test_a_lone_surrogate_is_refused(self) -> None:
        with pytest.raises(ValueError, match="surrogate"):
            check_to_send(1000, "\ud800")


class TestEncodeClose:
    def test_code_and_reason(self) -> None:
        assert encode_close(1000, "bÿe") == b"\x03\xe8b\xc3\xbfe"
        assert encode_close(CloseCode.SERVICE_RESTART) == b"\x03\xf4"

    def test_a_close_without_status_has_an_empty_payload(self) -> None:
        assert encode_close(1005) == b""

    def test_a_close_without_status_cannot_have_a_reason(self) -> None:
        with pytest.raises(ValueError, match="1005"):
            encode_close(1005, "why")

    @pytest.mark.parametrize("code", [0, 1006, 1015, 2000, 5000, 70_000])
    def test_no_frame_is_made_with_a_forbidden_code(self, code: int) -> None:
        with pytest.raises(ValueError, match=f"close code {code}"):
            encode_close(code)

    @pytest.mark.parametrize("reason", ["a" * 124, "a\r\nb", "\udfff"])
    def test_no_frame_is_made_with_an_invalid_reason(self, reason: str) -> None:
        with pytest.raises(ValueError, match="close reason"):
            encode_close(1000, reason)


class TestParseClose:
    def test_an_empty_payload_means_no_status(self) -> None:
        assert parse_close(b"") == (1005, "")

    def test_code_and_reason(self) -> None:
        assert parse_close(b"\x0f\xa0gr\xc3\xbc\xc3\x9fe") == (4000, "grüße")

    @pytest.mark.parametrize("byte", [b"\x00", b"\x03", b"\xff"])
    def test_one_byte_is_an_invalid_payload(self, byte: bytes) -> None:
        assert fails(byte) == 1002
        with pytest.raises(FrameError, match="one byte"):
            parse_close(byte)

    @pytest.mark.parametrize("code", FORBIDDEN)
    def test_forbidden_codes_are_refused(self, code: int) -> None:
        assert fails(code.to_bytes(2, "big")) == 1002
        assert fails(code.to_bytes(2, "big") + b"\xff") == 1002

    @pytest.mark.parametrize(
        "reason",
        [b"\xff", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"fine until \xe2\x82"],
        ids=["no lead byte", "cut", "overlong", "surrogate", "above U+10FFFF", "cut at the end"],
    )
    def test_a_reason_that_is_not_utf8_is_refused(self, reason: bytes) -> None:
        assert fails(b"\x03\xe8" + reason) == 1007

    @given(st.binary(max_size=125))
    def test_any_payload_is_read_or_refused(self, payload: bytes) -> None:
        parsed = parse(payload)
        if isinstance(parsed, FrameError):
            assert parsed.code in (1002, 1007)
        elif payload:
            assert payload == parsed[0].to_bytes(2, "big") + parsed[1].encode()
        else:
            assert parsed == (1005, "")

    @given(st.sampled_from(ALLOWED), st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=30))
    def test_an_encoded_payload_is_read_back(self, code: int, reason: str) -> None:
        assert parse_close(encode_close(code, reason)) == (code, reason)
