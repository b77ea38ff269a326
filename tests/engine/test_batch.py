"""Batches and their delivery to many receivers, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.engine.engines import HAS_NATIVE, engine

ENGINES = [
    "python",
    pytest.param("native", marks=pytest.mark.skipif(not HAS_NATIVE, reason="the native engine is not built")),
]
pytestmark = pytest.mark.parametrize("name", ENGINES)


class Receiver:
    """Records the calls of its methods."""

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        self.take = answer
        self.told: list[Any] = []

    def hold(self, kept: Any) -> None:
        self.told.append(("hold", kept))

    def fail(self, error: Exception) -> None:
        self.told.append(("fail", error))


def refuse(content: Any) -> bool:
    return False


def fail(content: Any) -> bool:
    raise KeyError(content)


def test_messages_are_encoded_once_for_all_receivers_with_the_same_encoder(name: str) -> None:
    encoded: list[Any] = []

    def encode(message: Any) -> bytes:
        encoded.append(message)
        return b"<%d>" % len(message)

    batch = engine(name).Batch(["one", b"four", ""])
    assert batch.size == 7
    assert batch.messages == ["one", b"four", ""]
    frames = batch.frames(encode)
    assert frames == b"<3><4><0>"
    assert batch.frames(encode) is frames
    assert encoded == ["one", b"four", ""]
    assert batch.frames(lambda message: b"other") == b"other" * 3
    assert batch.frames(encode) == frames
    assert len(encoded) == 6


def test_a_batch_may_be_empty(name: str) -> None:
    batch = engine(name).Batch([])
    assert (batch.size, batch.frames(fail)) == (0, b"")


@pytest.mark.parametrize("messages", [None, [1], ["one", None]])
def test_a_message_without_a_length_is_refused(name: str, messages: Any) -> None:
    with pytest.raises(TypeError):
        engine(name).Batch(messages)


def test_a_failed_encoder_is_called_again(name: str) -> None:
    batch = engine(name).Batch(["one", "two"])
    for _ in range(2):
        with pytest.raises(KeyError, match="one"):
            batch.frames(fail)
    assert batch.frames(str.encode) == b"onetwo"


def test_each_receiver_learns_the_result_for_its_own_copy(name: str) -> None:
    contents: list[Any] = []

    def take(content: Any) -> bool:
        contents.append(content)
        return True

    receivers = [Receiver(answer) for answer in (take, refuse, fail, take)]
    content, kept = object(), object()
    engine(name).hand_out(content, receivers, kept)
    assert contents == [content, content]
    assert receivers[0].told == receivers[3].told == []
    assert receivers[1].told == [("hold", kept)]
    [(how, error)] = receivers[2].told
    assert how == "fail"
    assert isinstance(error, KeyError)
    assert error.args == (content,)
    assert error.__traceback__ is not None


@pytest.mark.parametrize("where", ["take", "hold", "fail"])
def test_a_base_exception_ends_the_delivery(name: str, where: str) -> None:
    def end(*_: Any) -> bool:
        raise KeyboardInterrupt

    class Ending(Receiver):
        """Ends when one of its attributes is looked up."""

        def __getattribute__(self, name: str) -> Any:
            return end if name == where else super().__getattribute__(name)

    after = Receiver(refuse)
    answers: dict[str, Callable[[Any], Any]] = {"take": end, "hold": refuse, "fail": fail}
    with pytest.raises(KeyboardInterrupt):
        engine(name).hand_out("content", [Ending(answers[where]), after], "kept")
    assert after.told == []


def test_receivers_may_be_any_iterable(name: str) -> None:
    receiver = Receiver(refuse)
    engine(name).hand_out("content", (each for each in (receiver, receiver)), "kept")
    assert receiver.told == [("hold", "kept")] * 2
