from __future__ import annotations

import zlib

import pytest

from benchmarks.frames import COMPRESSED, FINAL_TEXT, server_frame
from benchmarks.loads.deflate import DeflateConnection, chat_text, compressed_frame, window_bits
from tests.benchmarks.loads.test_echo import MemoryTransport

TEXT = chat_text(3, 2048)


def deflated(compressor: zlib._Compress, text: bytes) -> bytes:
    payload = compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH)
    frame = server_frame(payload.removesuffix(b"\x00\x00\xff\xff"))
    return bytes([FINAL_TEXT | COMPRESSED]) + frame[1:]


def connection() -> tuple[DeflateConnection, list[str]]:
    complaints: list[str] = []
    one = DeflateConnection(TEXT, compressed_frame(TEXT, 15, 3), complaints.append)
    one.attach(MemoryTransport())
    one.running = True
    one.send()
    return one, complaints


def test_texts_differ_and_compress_well() -> None:
    assert chat_text(1, 2048) != chat_text(2, 2048)
    assert len(TEXT) == 2048
    assert len(zlib.compress(TEXT)) < 2048 / 3


@pytest.mark.parametrize(("bits", "used"), [(8, 9), (9, 9), (12, 12), (15, 15)])
def test_messages_can_be_inflated_with_the_negotiated_window(bits: int, used: int) -> None:
    frame = compressed_frame(TEXT, bits, 0)
    assert frame[0] == FINAL_TEXT | COMPRESSED
    start = 8 if frame[1] & 0x7F == 126 else 6
    key, masked = frame[start - 4 : start], frame[start:]
    payload = bytes(byte ^ key[i % 4] for i, byte in enumerate(masked))
    assert zlib.decompressobj(-used).decompress(payload + b"\x00\x00\xff\xff") == TEXT


@pytest.mark.parametrize(
    ("extensions", "bits"),
    [
        ("permessage-deflate", 15),
        ("permessage-deflate; client_max_window_bits=12; server_no_context_takeover", 12),
        ('permessage-deflate; server_max_window_bits=10; client_max_window_bits="9"', 9),
    ],
)
def test_the_window_of_the_client_is_read_from_the_response(extensions: str, bits: int) -> None:
    assert window_bits(extensions) == bits


@pytest.mark.parametrize("takeover", [True, False])
@pytest.mark.parametrize("piece", [7, 10_000])
def test_replies_are_inflated_with_and_without_context(takeover: bool, piece: int) -> None:
    one, complaints = connection()
    compressor = zlib.compressobj(wbits=-12)
    for _ in range(3):
        reply = deflated(compressor if takeover else zlib.compressobj(wbits=-12), TEXT)
        for start in range(0, len(reply), piece):
            one.data_received(reply[start : start + piece])
    assert not complaints
    assert (one.sent, one.answered, one.compressed) == (4, 3, 3)


def test_an_uncompressed_reply_is_correct_too() -> None:
    one, complaints = connection()
    one.data_received(server_frame(TEXT))
    assert (one.answered, one.compressed, complaints) == (1, 0, [])


@pytest.mark.parametrize(
    "reply",
    [
        server_frame(TEXT[:-1] + b"?"),
        deflated(zlib.compressobj(wbits=-15), b"other"),
        b"\xc1\x03\xff\xff\xff",
        b"\x89\x00",
    ],
)
def test_a_wrong_reply_is_detected(reply: bytes) -> None:
    one, complaints = connection()
    one.data_received(reply)
    assert len(complaints) == 1
    assert one.answered == 0
