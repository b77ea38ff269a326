from emmett.calls.batch import CallBatch
from emmett.calls.jsonrpc import Reply, ResultReply


async def test_the_last_reply_sends_the_whole_batch() -> None:
    sent: list[list[Reply]] = []

    async def send(replies: list[Reply]) -> None:
        sent.append(replies)

    batch = CallBatch(2, send)
    await batch.add(ResultReply(2, "b"))
    assert not sent
    await batch.add(ResultReply(1, "a"))
    assert sent == [[ResultReply(2, "b"), ResultReply(1, "a")]]
