from __future__ import annotations

import asyncio
import base64
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emmett.centrifuge import fossil
from emmett.centrifuge.fossil import BLOCK, MAX_SOUGHT, checksum, make_delta
from tests.centrifuge.fossil_reader import add_up, apply_delta
from tests.integration.test_sdk_javascript import NODE
from tests.tools import tool

PIECES = st.lists(
    st.sampled_from(["a", "ab", "price:", '{"id":1,"name":"äöü"},', "€uro", "😀", "x" * BLOCK]), max_size=30
)
TEXTS = PIECES.map("".join)


def check(source: bytes, target: bytes) -> bytes | None:
    """Make a delta, and check it; return it."""
    delta = make_delta(source, target)
    if delta is not None:
        assert len(delta) < len(target)
        assert apply_delta(source, delta) == target
    return delta


@settings(max_examples=300)
@given(source=TEXTS, target=TEXTS)
def test_deltas_of_texts_are_texts(source: str, target: str) -> None:
    delta = check(source.encode(), target.encode())
    if delta is not None:
        # No character is split.
        assert delta.decode()


@settings(max_examples=200)
@given(parts=st.lists(st.binary(max_size=40), min_size=1, max_size=6), data=st.data())
def test_deltas_of_bytes_can_be_applied(parts: list[bytes], data: st.DataObject) -> None:
    picks = st.lists(st.sampled_from(parts), max_size=8).map(b"".join)
    check(data.draw(picks), data.draw(picks))


@given(content=st.binary(max_size=100))
def test_the_checksum_matches_a_plain_implementation(content: bytes) -> None:
    assert checksum(content) == add_up(content)
    assert checksum(b"\xff" * 4 * 3) == (3 * 0xFFFFFFFF) % 2**32


def document(*changed: int) -> bytes:
    items = [{"id": number, "price": 1 if number in changed else number * 7 / 3} for number in range(300)]
    return json.dumps({"items": items}).encode()


def test_a_small_change_has_a_small_delta() -> None:
    before = document()
    for changed in ([], [150], [0], [299], [50, 200], [10, 11, 290]):
        delta = check(before, document(*changed))
        assert delta is not None
        assert len(delta) < 40 + 30 * len(changed)
    assert check(before, before[::-1]) is None
    assert check(b"", before) is None
    assert check(before, b"") is None


def test_moved_parts_are_copied() -> None:
    pieces = [random.Random(number).randbytes(200) for number in range(8)]
    source, target = b"".join(pieces), b"".join(pieces[::-1])
    delta = check(source, target)
    assert delta is not None
    assert len(delta) < 200


def test_long_sources_are_not_searched_but_common_ends_are_shared() -> None:
    big = random.Random(1).randbytes(MAX_SOUGHT)
    assert check(big, big[1:] + big[:1]) is None
    delta = check(b"a" * 1000 + big, b"a" * 1000 + big[::-1])
    assert delta is not None
    assert MAX_SOUGHT < len(delta) < MAX_SOUGHT + 60


def count_compared(monkeypatch: pytest.MonkeyPatch, source: bytes, target: bytes) -> int:
    """Make a delta; return how many bytes were compared, except for the common ends."""
    compared = 0

    def same_before(one: bytes, other: bytes) -> int:
        nonlocal compared
        compared += len(one)
        return before(one, other)

    with monkeypatch.context() as patch:
        before = fossil._same_before
        patch.setattr(fossil, "_same_before", same_before)
        check(source, target)
    return compared - len(source)


def test_a_block_that_splits_characters_is_not_searched_repeatedly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block that begins and ends within characters, at every third byte of the target."""
    euro = "€".encode()
    block = euro[1:] + 4 * euro + euro[:2]
    source = b"a" * 15 + b"\xe3" + block + b"\xad" + "中文".encode() * 50
    assert len(block) == BLOCK
    assert source.decode()
    assert count_compared(monkeypatch, source, b"b" + 20_000 * euro + b"c") < 10 * len(source)


def test_many_short_copies_take_linear_work(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = random.Random(3)
    blocks = [chosen.randbytes(BLOCK) for _ in range(1500)]
    target = b"x".join(chosen.sample(blocks, len(blocks)))
    # The search must not compare everything that follows each copy.
    assert count_compared(monkeypatch, b"".join(blocks), target) < 3 * len(target)


@pytest.mark.needs("centrifuge")
async def test_the_reader_of_the_javascript_sdk_accepts_deltas() -> None:
    chosen, pairs = random.Random(7), list[list[str]]()
    words = ["".join(chosen.choices("abcdefgäöü€😀 ", k=chosen.randrange(1, 40))) for _ in range(8)]
    while len(pairs) < 300:
        source, target = ("".join(chosen.choices(words, k=chosen.randrange(20))).encode() for _ in range(2))
        delta = make_delta(source, target)
        if delta is not None:
            pairs.append([base64.b64encode(each).decode() for each in (source, delta, target)])
    process = await asyncio.create_subprocess_exec(
        *(tool("centrifuge"), "centrifuge_fossil.mjs"),
        cwd=NODE,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate(json.dumps(pairs).encode())
    assert process.returncode == 0, errors.decode()
    assert output.decode().strip() == f"{len(pairs)} deltas applied"
