"""The encodings that an endpoint offers: JSON, and Protobuf if it is installed."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

from ..channels.encoding import Encode
from ..errors import ConfigurationError
from .codec import JSON, ClientCodec
from .messages import ClientReply
from .pushes import PUSH_JSON, push_encoder


class ClientEncoding(NamedTuple):
    """An encoding, and the function that encodes publications in it, shared by all its clients."""

    codec: ClientCodec
    encode: Encode


JSON_ENCODING = ClientEncoding(JSON, PUSH_JSON)


@functools.cache
def find_protobuf() -> ClientEncoding | None:
    """Return the encoding with Protobuf; None if the package is not installed.

    Raises:
        ConfigurationError: the package is installed but does not encode as expected.
    """
    try:
        from .protobuf import PROTOBUF
    except ImportError:
        return None
    # The message types are created at run time through a rarely used interface, so check that it works.
    if PROTOBUF.encode([ClientReply(id=5)]) != b"\x02\x08\x05" or PROTOBUF.decode(b"\x02\x08\x05")[0].id != 5:
        raise ConfigurationError("the protobuf package does not work: expected one of the versions 6 and 7")
    return ClientEncoding(PROTOBUF, push_encoder(PROTOBUF))


def choose_encoding(offered: Sequence[str], encodings: Sequence[ClientEncoding]) -> tuple[str | None, ClientEncoding]:
    """Return the subprotocol to accept, and the encoding. A client that offers neither gets JSON."""
    for encoding in encodings:
        if encoding.codec.subprotocol in offered:
            return encoding.codec.subprotocol, encoding
    return None, JSON_ENCODING
