"""The messages that nodes send each other through the broker: encoding and decoding. Pure."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from ..errors import UsageError
from .answers import (
    ChannelList,
    ConnectionList,
    Done,
    InspectedNode,
    NodeAnswer,
    NodeOverview,
    SettingList,
    TailNews,
)
from .questions import (
    AskChannels,
    AskClose,
    AskConnections,
    AskDrain,
    AskOverview,
    AskSettings,
    AskWatch,
    NodeQuestion,
)

# The namespace of the channels through which nodes reach each other, reserved for emmett.
NAMESPACE = "emmett-inspector"
# The channel to which every node is subscribed.
EVERYBODY = f"{NAMESPACE}:all"
# The prefix of the channels for answers.
TO_ASKER = f"{NAMESPACE}:to-"
# The most bytes of a message, below the default limit of a NATS server, 1 MiB.
MAX_LETTER = 900_000

_ANSWER_TYPES: dict[type[object], type[NodeAnswer]] = {
    AskOverview: NodeOverview,
    AskConnections: ConnectionList,
    AskChannels: ChannelList,
    AskSettings: SettingList,
    AskClose: Done,
    AskDrain: Done,
    AskWatch: Done,
}


class Hello(msgspec.Struct, tag="hello"):
    """A node is alive, or is leaving.

    Attributes:
        node: the node.
        is_new: whether it has just started, and asks for the others.
        is_leaving: whether it is stopping.
    """

    node: InspectedNode
    is_new: bool = False
    is_leaving: bool = False


class Inquiry(msgspec.Struct, tag="inquiry"):
    """A question to one node or to all.

    Attributes:
        id: identifies the question for its answers.
        reply: the channel for the answers.
        node: the ID of the node; empty for all.
        seconds: after this time the answer is no longer needed.
        question: the question.
    """

    id: str
    reply: str
    node: str
    seconds: float
    question: NodeQuestion


class AnswerLetter(msgspec.Struct, tag="reply"):
    """The answer of a node.

    Attributes:
        id: the id of the question.
        node: the node that answers.
        peers: the other nodes that it knows.
        error: why there is no answer; empty if there is one.
        answer: the answer.
    """

    id: str
    node: InspectedNode
    peers: list[InspectedNode]
    error: str = ""
    answer: Raw = Raw(b"null")


class News(msgspec.Struct, tag="news"):
    """The report of a tail."""

    news: TailNews


Letter = Hello | Inquiry | AnswerLetter | News

_decode = msgspec.json.Decoder(Letter).decode


def read_letter(text: str | bytes) -> Letter | None:
    """Return a message of another node; None if it is not one."""
    try:
        letter: Letter = _decode(text)
    except msgspec.MsgspecError:
        return None
    if isinstance(letter, Inquiry) and not letter.reply.startswith(TO_ASKER):
        # A message must never make a node publish to a channel of the application.
        return None
    return letter


def write_letter(letter: Letter) -> str:
    """Return the text of a message."""
    return msgspec.json.encode(letter).decode()


def read_answer(question: NodeQuestion, answer: Raw) -> NodeAnswer | None:
    """Return the answer to a question; None if it is not one."""
    try:
        return msgspec.json.decode(answer, type=_ANSWER_TYPES[type(question)])
    except msgspec.MsgspecError:
        return None


def split_connection(connection: str) -> tuple[str, int]:
    """Return the ID of the node and the number of a connection, from the ID of the connection.

    Raises:
        UsageError: it is not the ID of a connection.
    """
    node, _, number = connection.rpartition("-")
    if not node or not number.isascii() or not number.isdecimal() or len(number) > 15 or int(number) < 1:
        raise UsageError(f"connection {connection!r}: expected an ID as the inspector lists them, such as 1f3a5c7e-17")
    return node, int(number)
