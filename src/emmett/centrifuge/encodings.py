"""The encodings that an endpoint offers: JSON, and Protobuf where that is installed."""

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
    """An encoding, and the function that encodes publications in it, one for all its clients."""

    codec: ClientCodec
    encode: Encode


JSON_ENCODING = ClientEncoding(JSON, PUSH_JSON)


@functools.cache
def find_protobuf() -> ClientEncoding | None:
    """Return the encoding with Protobuf; None if the package is not installed.

    Raises:
        ConfigurationError: the package is installed, and does not encode as expected.
    """
    try:
        from .protobuf import PROTOBUF
    except ImportError:
        return None
    # The types of messages are made at run time, by an interface that few use: one look shows whether it works.
    if PROTOBUF.encode([ClientReply(id=5)]) != b"\x02\x08\x05" or PROTOBUF.decode(b"\x02\x08\x05")[0].id != 5:
        raise ConfigurationError("the protobuf package does not work: expected one of the versions 6 and 7")
    return ClientEncoding(PROTOBUF, push_encoder(PROTOBUF))


def choose_encoding(offered: Sequence[str], encodings: Sequence[ClientEncoding]) -> tuple[str | None, ClientEncoding]:
    """Return the subprotocol to accept, and the encoding. A client that offers none of them speaks JSON."""
    for encoding in encodings:
        if encoding.codec.subprotocol in offered:
            return encoding.codec.subprotocol, encoding
    return None, JSON_ENCODING
