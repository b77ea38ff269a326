"""Questions as JSON; test_letters.py tests messages between nodes."""

from __future__ import annotations

import msgspec
import pytest

from emmett.inspector.questions import AskConnections, NodeQuestion

decode = msgspec.json.Decoder(NodeQuestion).decode


def test_questions_of_the_page_are_read() -> None:
    question = decode(b'{"ask":"connections","filter":{"route":"chat","min_age":1.5},"order":"age","limit":20}')
    assert isinstance(question, AskConnections)
    assert (question.filter.route, question.filter.min_age, question.order, question.limit) == ("chat", 1.5, "age", 20)
    default = decode(b'{"ask":"connections"}')
    assert isinstance(default, AskConnections)
    assert (default.order, default.limit, default.filter.min_backlog) == ("backlog", 200, 0)


@pytest.mark.parametrize(
    "text",
    [
        b"{}",
        b'{"ask":"everything"}',
        b'{"ask":"connections","limit":501}',
        b'{"ask":"connections","limit":0}',
        b'{"ask":"connections","order":"name"}',
        b'{"ask":"connections","filter":{"min_age":-1}}',
        b'{"ask":"connections","filter":{"colour":"red"}}',
        b'{"ask":"close","connection":0}',
        b'{"ask":"close","connection":1,"reason":"' + b"x" * 124 + b'"}',
        b'{"ask":"watch","connection":1,"tail":""}',
    ],
)
def test_invalid_questions_are_refused(text: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode(text)
