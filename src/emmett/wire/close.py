"""Close codes, their meaning and their permitted senders; the payload of a Close frame."""

from __future__ import annotations

import re
from enum import Enum, IntEnum

from ..errors import FrameError

# A control frame carries at most 125 bytes, two of which are the code (RFC 6455, 5.5).
MAX_REASON_SIZE = 123
SENDABLE = "1000 to 1003, 1007 to 1014 and 3000 to 4999"

_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Sender(Enum):
    """The side that may put a close code into a Close frame."""

    EITHER = "either side"
    CLIENT = "the client"
    SERVER = "the server"
    NOBODY = "nobody: it reports to the application how the connection ended"


class CloseCode(IntEnum):
    """The close codes with a defined meaning (RFC 6455, 7.4.1, and the IANA registry).

    3000 to 3999 are for libraries and frameworks, 4000 to 4999 for applications.
    """

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    NO_STATUS = 1005
    ABNORMAL = 1006
    INVALID_DATA = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014
    TLS_HANDSHAKE = 1015

    @property
    def sender(self) -> Sender:
        """The side that may send the code."""
        return _SENDERS[self]


_SENDERS: dict[CloseCode, Sender] = {
    CloseCode.NORMAL: Sender.EITHER,
    CloseCode.GOING_AWAY: Sender.EITHER,
    CloseCode.PROTOCOL_ERROR: Sender.EITHER,
    CloseCode.UNSUPPORTED_DATA: Sender.EITHER,
    CloseCode.NO_STATUS: Sender.NOBODY,
    CloseCode.ABNORMAL: Sender.NOBODY,
    CloseCode.INVALID_DATA: Sender.EITHER,
    CloseCode.POLICY_VIOLATION: Sender.EITHER,
    CloseCode.MESSAGE_TOO_BIG: Sender.EITHER,
    CloseCode.MANDATORY_EXTENSION: Sender.CLIENT,
    CloseCode.INTERNAL_ERROR: Sender.SERVER,
    CloseCode.SERVICE_RESTART: Sender.SERVER,
    CloseCode.TRY_AGAIN_LATER: Sender.SERVER,
    CloseCode.BAD_GATEWAY: Sender.SERVER,
    CloseCode.TLS_HANDSHAKE: Sender.NOBODY,
}

_NORMAL = CloseCode.NORMAL.to_bytes(2, "big")
_ON_THE_WIRE = frozenset(int(code) for code in CloseCode if code.sender is not Sender.NOBODY)


def may_be_sent(code: object) -> bool:
    """Return whether a Close frame may carry the code (RFC 6455, 7.4.2).

    A code that belongs to the other side, such as 1010 from a server, counts as allowed: refusing it has no benefit.
    """
    return isinstance(code, int) and (code in _ON_THE_WIRE or 3000 <= code <= 4999)


def check_received(code: int) -> None:
    """Check a close code from the peer.

    Raises:
        FrameError: with 1002, if no Close frame may carry the code.
    """
    if not may_be_sent(code):
        raise FrameError(CloseCode.PROTOCOL_ERROR, f"close code {code} must not be sent")


def check_to_send(code: int, reason: str = "") -> None:
    """Check the code and reason that the application closes with.

    Arguments:
        code: the close code.
        reason: text for the peer, at most 123 bytes in UTF-8, without control characters.

    Raises:
        ValueError: the code or the reason cannot be sent; the message lists the allowed values.
    """
    if not may_be_sent(code):
        raise ValueError(f"close code {code!r} cannot be sent; allowed are {SENDABLE}")
    _encode_reason(reason)


def encode_close(code: int, reason: str = "") -> bytes:
    """Return the payload of a Close frame; it is empty for code 1005, "no status" (RFC 6455, 5.5.1).

    Raises:
        ValueError: as `check_to_send`, and for a reason together with 1005.
    """
    if code == CloseCode.NO_STATUS:
        if reason:
            raise ValueError("a Close frame without a code (1005) has no room for a reason")
        return b""
    if not may_be_sent(code):
        raise ValueError(f"close code {code!r} cannot be sent; allowed are {SENDABLE}, and 1005 for none")
    return code.to_bytes(2, "big") + _encode_reason(reason)


def parse_close(payload: bytes) -> tuple[int, str]:
    """Parse the payload of a Close frame (RFC 6455, 5.5.1 and 7.1.5).

    Arguments:
        payload: the unmasked payload.

    Returns:
        Code and reason; 1005 and an empty reason if the frame is empty.

    Raises:
        FrameError: 1002 for a single byte or a code that must not be sent, 1007 for a reason that is not UTF-8.
    """
    if payload == _NORMAL:
        # What most peers send.
        return 1000, ""
    if not payload:
        return CloseCode.NO_STATUS.value, ""
    if len(payload) == 1:
        raise FrameError(CloseCode.PROTOCOL_ERROR, "a Close frame of one byte: a code takes two")
    code = int.from_bytes(payload[:2], "big")
    check_received(code)
    try:
        return code, str(payload[2:], "utf-8")
    except UnicodeDecodeError:
        raise FrameError(CloseCode.INVALID_DATA, "the close reason is not UTF-8") from None


def _encode_reason(reason: str) -> bytes:
    if not reason:
        return b""
    control = _CONTROL_CHARACTER.search(reason)
    if control is not None:
        raise ValueError(f"close reason {_shown(reason)} holds the control character {control[0]!r}")
    try:
        encoded = reason.encode()
    except UnicodeEncodeError:
        raise ValueError(f"close reason {_shown(reason)} holds a lone surrogate: not valid UTF-8") from None
    if len(encoded) > MAX_REASON_SIZE:
        raise ValueError(f"close reason {_shown(reason)} takes {len(encoded)} bytes, allowed are {MAX_REASON_SIZE}")
    return encoded


def _shown(reason: str) -> str:
    return ascii(reason if len(reason) <= 40 else reason[:37] + "...")
