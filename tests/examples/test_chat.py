"""The chat: names, rooms, history, presence, positions and refusals."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path

import pytest

from emmett import WebsocketClosed
from emmett.errors import BrokerUnavailable
from emmett.testing import Faults, RefusedHandshake
from examples.chat import app as chat_app
from examples.chat.app import MAX_FRAME, app
from examples.chat.messages import MAX_NAME, MAX_TEXT, Message, Person, encode
from examples.chat.rooms import KEPT, MAX_ROOM, SHOWN
from tests.centrifuge.kit import RawClient
from tests.examples.chat_visits import enter, in_room, running

_numbers = itertools.count(1)


@pytest.fixture
def room() -> str:
    """The name of a new room: the memory broker keeps the messages of old ones while the process lives."""
    return f"room-{next(_numbers)}"


async def test_a_visitor_chooses_a_name_and_a_room() -> None:
    async with running() as client:
        answer = await enter(client, "  Ada \n Lovelace ", "Tea  Time!")
        assert (answer.status, answer.headers["location"]) == (303, "/rooms/tea-time")
        page = await client.get("/rooms/tea-time")
        assert page.status == 200
        assert "<title>#tea-time</title>" in page.text
        assert "<b>Ada Lovelace</b>" in page.text
        # The name is kept for the next room.
        assert 'value="Ada Lovelace"' in (await client.get("/")).text


@pytest.mark.parametrize(
    ("name", "room", "problem"), [(" \u200b", "tea", "Choose a name"), ("Ada", "//", "Choose a room")]
)
async def test_invalid_names_are_refused(name: str, room: str, problem: str) -> None:
    async with running() as client:
        answer = await enter(client, name, room)
        assert answer.status == 422
        assert problem in answer.text


async def test_names_are_limited_and_escaped() -> None:
    async with running() as client:
        answer = await enter(client, "<i>&" + "x" * 100, "r" * 100)
        assert answer.headers["location"] == "/rooms/" + "r" * MAX_ROOM
        page = (await client.get(answer.headers["location"])).text
        assert "&lt;i&gt;&amp;" + "x" * (MAX_NAME - 4) + "<" in page
        assert "<i>" not in page


async def test_a_link_to_a_room_asks_for_a_name_first() -> None:
    async with running() as client:
        answer = await client.get("/rooms/tea")
        assert (answer.status, answer.headers["location"]) == (303, "/?room=tea")
        assert 'value="tea"' in (await client.get("/?room=tea")).text
        async with client.websocket("/rooms/tea/live") as websocket:
            with pytest.raises(WebsocketClosed):
                await websocket.receive()
            assert (websocket.close_code, websocket.close_reason) == (1008, "choose a name first")


@pytest.mark.parametrize("name", ["Tea", "a*", "a:b", "-", "r" * (MAX_ROOM + 1)])
async def test_invalid_rooms_are_refused(name: str) -> None:
    async with running() as client:
        await enter(client, "Ada", "tea")
        assert (await client.get(f"/rooms/{name}")).status == 404
        with pytest.raises(RefusedHandshake) as refused:
            async with client.websocket(f"/rooms/{name}/live"):
                pass
        assert refused.value.status == 404


async def test_everyone_in_the_room_gets_messages_once_and_in_order(room: str) -> None:
    async with running() as client, in_room(client, "Ada", room) as ada, in_room(client, "Grace", room) as grace:
        ids = [await ada.say("one"), await ada.say("<b>two</b>\nand a half"), await ada.say(" \u0000three ")]
        async with in_room(client, "Ada", "music") as elsewhere:
            other = await elsewhere.say("not for tea")
            assert (await elsewhere.hear())["data"]["id"] == other
        for visitor in (ada, grace):
            heard = [await visitor.hear() for _ in ids]
            assert [event["data"]["id"] for event in heard] == ids
            assert [event["data"]["text"] for event in heard] == ["one", "<b>two</b>\nand a half", "three"]
            assert {event["data"]["by"]["name"] for event in heard} == {"Ada"}
            offsets = [int(event["position"].rpartition(":")[2]) for event in heard]
            assert offsets == [1, 2, 3]


async def test_a_newcomer_gets_the_latest_messages(room: str) -> None:
    async with running() as client:
        async with in_room(client, "Ada", room) as ada:
            assert ada.welcome["recovered"] is None
            for number in range(SHOWN + 5):
                await chat_app.rooms.channels.publish(
                    f"room:{room}", f'{{"id":"{number:08}","by":{{"id":"a","name":"Ada"}},"text":"{number}","at":0}}'
                )
        async with in_room(client, "Grace", room) as grace:
            texts = [(await grace.hear())["data"]["text"] for _ in range(SHOWN)]
            assert texts == [str(number) for number in range(5, SHOWN + 5)]
            assert grace.welcome["recovered"] is None
            await grace.say("now")
            assert (await grace.hear())["data"]["text"] == "now"


async def test_a_visitor_that_returns_gets_missed_messages(room: str) -> None:
    async with running() as client, in_room(client, "Ada", room) as ada:
        # Nothing was said yet, but there is already a position to continue from.
        place = ada.welcome["since"]
        for text in ("one", "two", "three"):
            await ada.say(text)
        places = [(await ada.hear())["position"] for _ in range(3)]
        lives: list[str] = []
        for since, missed in ((place, ["one", "two", "three"]), (places[0], ["two", "three"]), (places[2], [])):
            async with in_room(client, "Grace", room, since=since) as grace:
                assert grace.welcome["recovered"] is True
                await ada.say("live")
                for text in (*missed, *lives, "live"):
                    assert (await grace.hear())["data"]["text"] == text
                lives.append("live")


@pytest.mark.parametrize("since", ["", "nonsense", "another-life:3", "x" * 2000])
async def test_an_unknown_position_is_reported_as_a_gap(since: str, room: str) -> None:
    async with running() as client, in_room(client, "Ada", room) as ada:
        await ada.say("what is left")
        await ada.hear()
        async with in_room(client, "Grace", room, since=since) as grace:
            if since:
                assert grace.welcome["recovered"] is False
                assert (await grace.hear("gap"))["data"] is None
                assert (await grace.hear())["data"]["text"] == "what is left"
            else:
                assert grace.welcome["recovered"] is None


async def test_trimmed_messages_are_reported_as_a_gap(room: str) -> None:
    async with running() as client:
        async with in_room(client, "Ada", room) as ada:
            place = ada.welcome["since"]
        for number in range(KEPT + 1):
            await chat_app.rooms.channels.publish(f"room:{room}", str(number))
        async with client.websocket(f"/rooms/{room}/live?since={place}") as websocket:
            heard = [str(await websocket.receive()) for _ in range(3)]
        assert any('"type":"gap"' in text for text in heard)


async def test_the_members_of_a_room_are_listed(room: str) -> None:
    async with running() as client, in_room(client, "Ada", room) as ada:
        assert [person["name"] for person in ada.welcome["people"]] == ["Ada"]
        async with in_room(client, "Grace", room) as grace:
            assert sorted(person["name"] for person in grace.welcome["people"]) == ["Ada", "Grace"]
            joined = await ada.hear("join")
            if joined["data"]["name"] == "Ada":
                joined = await ada.hear("join")
            assert joined["data"]["name"] == "Grace"
            # Another window of the same visitor is not another member.
            async with client.websocket(f"/rooms/{room}/live"):
                people = await chat_app.rooms.people(f"room:{room}")
                assert sorted(person["name"] for person in people) == ["Ada", "Grace"]
            listing = (await client.get("/")).text
            assert "2 here" in listing
        assert (await ada.hear("leave"))["data"]["member"] == joined["data"]["member"]


async def test_an_opened_room_is_listed() -> None:
    async with running() as client:
        assert "# knitting" not in (await client.get("/")).text
        async with in_room(client, "Ada", "knitting"), in_room(client, "Grace", "knitting"):
            assert (await client.get("/")).text.count("# knitting") == 1
        assert (await client.get("/")).text.count("# knitting") == 1


async def test_invalid_messages_are_refused(room: str) -> None:
    async with running() as client, in_room(client, "Ada", room) as ada:
        for frame in ("", "{", "[]", "[" * 10_000, '{"text":"x"}', b"\xff"):
            await ada.websocket.send(frame)
            assert (await ada.hear("error"))["code"] in (-32700, -32600)
        await ada.say("too short an id", id="x")
        assert (await ada.hear("error"))["code"] == -32602
        for text, problem in ((" \n ", "nothing"), ("x" * (MAX_TEXT + 1), f"at most {MAX_TEXT} characters; this one")):
            said = await ada.say(text)
            error = await ada.hear("error")
            assert error["id"] == said
            assert problem in error["message"]
        await ada.say("x" * MAX_TEXT)
        assert len((await ada.hear())["data"]["text"]) == MAX_TEXT


async def test_a_message_far_over_the_limit_closes_the_websocket(room: str) -> None:
    async with running() as client, in_room(client, "Ada", room) as ada:
        with contextlib.suppress(WebsocketClosed):
            await ada.websocket.send("x" * (MAX_FRAME + 1))
        with pytest.raises(WebsocketClosed):
            await ada.hear("never")
        assert ada.websocket.close_code == 1009


async def test_a_visitor_that_writes_too_fast_gets_an_error(room: str) -> None:
    async with running() as client, in_room(client, "Ada", room) as ada:
        sent = [await ada.say("quick") for _ in range(40)]
        error = await ada.hear("error")
        assert error["code"] == -32029
        assert 0 < error["data"]["retry_after"] <= 0.2
        assert error["id"] in sent[20:]


async def test_a_slow_visitor_is_disconnected_and_recovers_the_rest(room: str) -> None:
    # The kernel buffers this much for a socket that is not read.
    async with app.test_client_async(faults=Faults(window=64 * 1024)) as client:
        async with in_room(client, "Ada", room) as slow, in_room(client, "Grace", room) as quick:
            count = 0
            disconnected = chat_app.rooms.channels.stats().disconnected
            while chat_app.rooms.channels.stats().disconnected == disconnected:
                message = Message(f"number-{count}", Person("ada", "Ada"), "x" * MAX_TEXT, count)
                await chat_app.rooms.channels.publish(f"room:{room}", encode(message))
                assert (await quick.hear())["data"]["at"] == count
                count += 1
            assert count < KEPT
            heard = []
            with pytest.raises(WebsocketClosed):
                while True:
                    heard.append(await slow.hear())
            assert slow.websocket.close_code == 1013
        async with in_room(client, "Ada", room, since=heard[-1]["position"]) as again:
            assert again.welcome["recovered"] is True
            while len(heard) < count:
                heard.append(await again.hear())
        assert [event["data"]["at"] for event in heard] == list(range(count))


async def test_without_a_broker_the_page_is_asked_to_retry(room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def publish(*_: object) -> None:
        raise BrokerUnavailable("it is away")

    async with running() as client, in_room(client, "Ada", room) as ada:
        monkeypatch.setattr(chat_app.rooms.channels, "publish", publish)
        await ada.say("into the void")
        with pytest.raises(WebsocketClosed):
            await ada.hear()
        assert (ada.websocket.close_code, ada.websocket.close_reason) == (1013, "the broker does not answer")
        monkeypatch.setattr(chat_app.rooms.channels, "presence", publish)
        # The start page still works, without its list of rooms.
        assert (await client.get("/")).status == 200


async def test_pages_cannot_be_framed_and_forms_cannot_be_sent_by_other_sites() -> None:
    async with running() as client:
        assert "content-security-policy" in (await client.get("/")).headers
        answer = await client.post("/", data={"name": "Ada", "room": "tea"})
        assert answer.status == 403


async def test_the_page_works_on_an_sdk(room: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "centrifuge.js"
    monkeypatch.setenv("EMMETT_CHAT_SDK", str(file))
    async with running() as client:
        assert (await client.get(f"/rooms/{room}/sdk")).status == 503
        assert "npm install --prefix examples/chat centrifuge" in (await client.get(f"/rooms/{room}/sdk")).text
        assert (await client.get("/sdk/centrifuge.js")).status == 404
        file.write_text("// the SDK")
        assert (await client.get(f"/rooms/{room}/sdk")).headers["location"].endswith(f"?room={room}")
        assert (await client.get("/sdk/centrifuge.js")).text == "// the SDK"
        await enter(client, "Ada", room)
        text = (await client.get(f"/rooms/{room}/sdk")).text
        assert f'data-channel="room:{room}"' in text
        assert 'data-way="./live_sdk.js"' in text


async def test_sdks_and_the_plain_page_get_each_others_messages(room: str) -> None:
    async with (
        running() as client,
        in_room(client, "Ada", room) as ada,
        client.websocket("/sdk/websocket") as websocket,
    ):
        sdk = RawClient(websocket)
        assert await sdk.connect() is not None
        assert await sdk.error(subscribe={"channel": "rooms:opened"}) == 103
        said = {"method": "say", "data": {"message": {"id": "number-1", "text": "Hello"}, "room": room}}
        assert await sdk.error(rpc=said) == 403
        await sdk.subscribe(f"room:{room}")
        await sdk.ask(rpc=said)
        assert (await ada.hear("message"))["data"]["text"] == "Hello"
        await ada.say("Good morning")
        texts: list[str] = []
        while len(texts) < 2:
            push = await sdk.push()
            texts += [push["pub"]["data"]["text"]] if "pub" in push else []
        assert texts == ["Hello", "Good morning"]
        people = await chat_app.rooms.people(f"room:{room}")
        assert {(each["name"], each["id"]) for each in people} == {("Ada", people[0]["id"])}
        assert len(people) == 2


async def test_an_sdk_without_a_name_is_refused() -> None:
    async with running() as client:
        client.cookies.clear()
        async with client.websocket("/sdk/websocket") as websocket:
            sdk = RawClient(websocket)
            await sdk.send({"id": 1, "connect": {}})
            assert (await sdk.ended())[0] == 3507
