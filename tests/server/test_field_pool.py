"""Values that handshakes share are stored once; values of one visitor are not stored."""

from __future__ import annotations

from emmett.server import field_pool
from emmett.server.field_pool import SIZE, pooled


def fields(*pairs: tuple[str, str]) -> list[tuple[bytes, bytes]]:
    # Created each time, as when read from the network.
    return [(bytes(name, "ascii"), bytes(value, "ascii")) for name, value in pairs]


PAIRS = (("host", "chat.example"), ("cookie", "id=1"), ("upgrade", "websocket"), ("host", "chat.example"))


def test_the_fields_are_equal_and_in_order() -> None:
    assert pooled(fields(*PAIRS)) == fields(*PAIRS)


def test_common_values_are_one_object() -> None:
    first, second = pooled(fields(*PAIRS)), pooled(fields(*PAIRS))
    assert [one is other for one, other in zip(first, second, strict=True)] == [True, False, True, True]


def test_long_and_secret_values_are_not_kept() -> None:
    field_pool._pooled.cache_clear()
    pooled(fields(("host", "x" * 257), ("authorization", "Bearer 1"), ("sec-websocket-key", "k" * 24)))
    assert field_pool._pooled.cache_info().currsize == 0


def test_the_pool_is_bounded() -> None:
    for number in range(2 * SIZE):
        pooled(fields(("host", f"{number}.example")))
    assert field_pool._pooled.cache_info().currsize == SIZE
