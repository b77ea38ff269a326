import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from typing import Any, TypedDict

import msgspec
import pytest

from emmett import App, Pipe, Websocket, requires, websocket
from emmett.calls.calls import snake_case
from emmett.calls.method import MethodKind
from emmett.ctx import current_websocket
from emmett.errors import CallError, ConfigurationError
from tests.calls.kit import Said, Say, UserJoined, make_app, wire_to

# Registration.


def test_registered_functions_are_listed() -> None:
    _, calls = make_app()

    @calls.method()
    async def add(a: int, b: int = 0) -> int:
        return a + b

    @calls.method("sub", limit="2/s", timeout=3, ordered=True)
    def subtract(a: int) -> int:
        return -a

    @calls.method()
    async def count(to: int) -> AsyncIterator[int]:
        yield to

    @calls.method()
    def begin() -> AsyncIterable[int]:
        return count(3)

    @calls.method()
    async def open_one() -> AsyncGenerator[int, None]:
        return count(3)  # type: ignore[return-value]

    @calls.event()
    async def typing() -> None: ...

    kinds = {name: method.kind for name, method in calls.methods.items()}
    assert kinds == {
        "add": MethodKind.CALL,
        "sub": MethodKind.CALL,
        "count": MethodKind.STREAM,
        "begin": MethodKind.STREAM,
        "open_one": MethodKind.STREAM,
        "typing": MethodKind.EVENT,
    }
    options = calls.methods["sub"].options
    assert (str(options.limit), options.timeout, options.is_ordered) == ("2/s", 3, True)
    assert calls.methods["typing"].is_ordered


def test_decorators_require_parentheses() -> None:
    _, calls = make_app()
    for decorator in (calls.method, calls.event):
        with pytest.raises(SyntaxError, match="parentheses"):

            @decorator  # type: ignore[arg-type]
            async def add() -> None: ...


def unannotated(a) -> None: ...  # type: ignore[no-untyped-def]


def starred(*a: int) -> None: ...


def strange(a: asyncio.Lock) -> None: ...


@pytest.mark.parametrize(
    ("function", "hint"), [(unannotated, "a: str"), (starred, "can be passed by name"), (strange, "Lock.*a Struct")]
)
def test_unsuitable_functions_are_refused(function: Any, hint: str) -> None:
    _, calls = make_app()
    with pytest.raises(ConfigurationError, match=hint):
        calls.method()(function)
    assert not calls.methods


@pytest.mark.parametrize(
    "options",
    [{"limit": "often"}, {"per": "planet"}, {"timeout": 0}, {"timeout": float("inf")}, {"timeout": -1}],
    ids=repr,
)
def test_invalid_options_are_refused(options: dict[str, Any]) -> None:
    _, calls = make_app()
    with pytest.raises(ConfigurationError, match="expected"):
        calls.method(**options)


@pytest.mark.parametrize("name", ["rpc.discover", "$/progress"])
def test_names_of_the_protocol_are_reserved(name: str) -> None:
    _, calls = make_app()
    with pytest.raises(ConfigurationError, match="reserved"):
        calls.method(name)(starred)


def test_a_duplicate_name_is_refused() -> None:
    _, calls = make_app()

    @calls.method()
    async def add() -> None: ...

    with pytest.raises(ConfigurationError, match="taken"):
        calls.event("add")(add)


def test_an_event_cannot_be_a_stream() -> None:
    _, calls = make_app()

    async def items() -> AsyncIterator[int]:
        yield 1

    with pytest.raises(ConfigurationError, match="no reply"):
        calls.event()(items)


def test_settings_of_calls_and_of_websockets_are_accepted() -> None:
    app, _ = make_app(max_in_flight=3, inbox_messages=5)
    assert app.config.calls.max_in_flight == 64
    with pytest.raises(ConfigurationError, match="max_in_flihgt"):
        app.calls("/other", "other", max_in_flihgt=3)  # type: ignore[call-arg]
    with pytest.raises(ConfigurationError, match="expected"):
        app.calls("/other", "other", max_refusals="often")


def test_it_is_an_ordinary_route() -> None:
    app, _ = make_app()
    module = app.module(__name__, "blog", url_prefix="blog")
    module.calls("/api", "live")
    assert [(info.path, info.name) for info in app.routes if info.kind == "websocket"] == [
        ("/api", "calls"),
        ("/blog/api", "blog.live"),
    ]


@pytest.mark.parametrize(
    ("name", "wanted"), [("Said", "said"), ("UserJoined", "user_joined"), ("HTTPError", "http_error"), ("A", "a")]
)
def test_events_are_named_after_their_types(name: str, wanted: str) -> None:
    assert snake_case(name) == wanted


def test_names_of_emitted_events_are_distinct() -> None:
    _, calls = make_app()
    calls.emits(Said, UserJoined)
    calls.emits(Say, name="spoken")
    assert calls.emitted == {Said: "said", UserJoined: "user_joined", Say: "spoken"}
    with pytest.raises(ConfigurationError, match="taken"):
        calls.emits(Say, name="said")
    with pytest.raises(ConfigurationError, match="one type"):
        calls.emits(Say, Said, name="both")


class Typing(TypedDict):
    room: str


@pytest.mark.parametrize("type_", [Typing, dict, int, list[int]])
def test_types_that_do_not_identify_their_event_are_refused(type_: Any) -> None:
    with pytest.raises(ConfigurationError, match="cannot recognise its objects as this event; use a Struct"):
        make_app()[1].emits(type_)


@pytest.mark.parametrize(
    ("errors", "hint"),
    [
        ({"404": "gone"}, "code '404' is not an integer"),
        ({True: "gone"}, "code True"),
        ({17: " "}, "does not say what"),
    ],
)
def test_errors_map_codes_to_their_meaning(errors: Any, hint: str) -> None:
    _, calls = make_app()
    with pytest.raises(ConfigurationError, match=hint):
        calls.method(errors=errors)


# Calling.


async def test_parameters_are_given_by_name_by_position_or_not_at_all() -> None:
    app, calls = make_app()

    @calls.method()
    async def add(a: int = 1, b: int = 2) -> int:
        return a + b

    async with wire_to(app) as wire:
        for params, result in (({"a": 5}, 7), ([5], 7), ([5, 6], 11), ({}, 3), ([], 3), (None, 3)):
            assert await wire.ask(id=1, method="add", params=params) == {"id": 1, "result": result}
        assert await wire.ask(id=1, method="add") == {"id": 1, "result": 3}


async def test_a_plain_function_can_be_called_too() -> None:
    app, calls = make_app()

    @calls.method()
    def add(a: int, b: int) -> int:
        return a + b

    async with app.test_client_async() as client, client.calls("/api") as api:
        assert await api.add(1, 2) == 3


async def test_the_members_of_a_single_struct_are_the_parameters() -> None:
    class Typed(TypedDict):
        room: str

    app, calls = make_app()

    @calls.method()
    async def say(message: Say) -> str:
        return f"{message.room}: {message.text}"

    @calls.method()
    async def join(user: UserJoined) -> UserJoined:
        return user

    @calls.method()
    async def enter(where: Typed) -> str:
        return where["room"]

    async with wire_to(app) as wire:
        ask = wire.ask
        assert (await ask(id=1, method="say", params={"room": "a", "text": "b"}))["result"] == "a: b"
        assert (await ask(id=1, method="say", params=[{"room": "a"}]))["result"] == "a: "
        assert (await ask(id=1, method="join", params={"name": "Ada"}))["result"] == {"name": "Ada"}
        assert (await ask(id=1, method="enter", params={"room": "a"}))["result"] == "a"


async def test_all_faults_in_parameters_are_named_with_their_paths() -> None:
    app, calls = make_app()

    @calls.method()
    async def say(messages: list[Say], times: int) -> None: ...

    @calls.method()
    async def hear(message: Say) -> None: ...

    async with wire_to(app) as wire:
        reply = await wire.ask(id=1, method="say", params={"messages": [{"room": 1}, {"text": "x"}], "tims": 2})
        assert (reply["error"]["code"], reply["error"]["message"]) == (-32602, "Invalid params")
        assert [fault["path"] for fault in reply["error"]["data"]] == [
            ["messages", 0, "room"],
            ["messages", 1, "room"],
            ["times"],
            ["tims"],
        ]
        reply = await wire.ask(id=1, method="hear", params={"text": 2})
        assert [fault["path"] for fault in reply["error"]["data"]] == [["room"], ["text"]]
        reply = await wire.ask(id=1, method="hear", params=["a", "b", 1])
        assert reply["error"]["data"] == [{"path": [2], "message": "is one too many: at most 2 are allowed"}]
        reply = await wire.ask(id=1, method="hear", params="text")
        assert (reply["error"]["code"], reply["error"]["data"][0]["path"]) == (-32602, [])


async def test_pipes_inject_arguments() -> None:
    app = App(__name__)
    calls = app.calls("/rooms/<str:room>")
    seen: list[object] = []

    @calls.method()
    async def where(room: str, connection: Websocket, more: int) -> str:
        seen.append(connection)
        assert connection is current_websocket.get()
        return f"{room} {more} {websocket.path}"

    async with wire_to(app, "/rooms/blue") as wire:
        assert (await wire.ask(id=1, method="where", params={"more": 5}))["result"] == "blue 5 /rooms/blue"
        # A client cannot give injected arguments.
        reply = await wire.ask(id=1, method="where", params={"more": 5, "room": "red"})
        assert reply["error"]["data"] == [{"path": ["room"], "message": "is unknown"}]


async def test_an_unknown_method_is_an_error() -> None:
    app, calls = make_app()

    @calls.method()
    async def subtract(a: int) -> int:
        return -a

    async with wire_to(app) as wire:
        reply = await wire.ask(id=1, method="substract")
        assert reply == {"id": 1, "error": {"code": -32601, "message": "Method not found"}}
        await wire.send(method="unknown_event")
        assert (await wire.ask(id=2, method="subtract", params=[1]))["result"] == -1


async def test_while_developing_unknown_methods_get_a_suggestion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMMETT_DEVELOP", "1")
    app, calls = make_app()

    @calls.method()
    async def subtract(a: int) -> int:
        return -a

    async with wire_to(app) as wire:
        assert (await wire.ask(id=1, method="substract"))["error"]["data"] == {"did_you_mean": "subtract"}
        assert (await wire.ask(id=1, method="zzz"))["error"]["data"] == {"methods": ["subtract"]}


async def test_binary_frames_with_json_are_read() -> None:
    app, calls = make_app()

    @calls.method()
    async def fine() -> int:
        return 1

    async with app.test_client_async() as client, client.websocket("/api") as raw:
        await raw.send(b'{"jsonrpc":"2.0","id":1,"method":"fine"}')
        assert await raw.receive() == '{"jsonrpc":"2.0","id":1,"result":1}'


async def test_message_pack_by_subprotocol() -> None:
    app, calls = make_app()

    @calls.method()
    async def shout(text: str, raw: bytes) -> bytes:
        return text.upper().encode() + raw

    @calls.method()
    async def numbers() -> AsyncIterator[int]:
        yield 1

    async with (
        app.test_client_async() as client,
        client.websocket("/api", subprotocols=["jsonrpc-2.0+msgpack"]) as raw,
    ):
        assert raw.subprotocol == "jsonrpc-2.0+msgpack"

        async def ask(**members: Any) -> Any:
            await raw.send(msgspec.msgpack.encode({"jsonrpc": "2.0", **members}))
            return msgspec.msgpack.decode(await raw.receive())  # type: ignore[arg-type]

        reply = await ask(id=1, method="shout", params={"text": "a", "raw": b"\xff"})
        assert reply == {"jsonrpc": "2.0", "id": 1, "result": b"A\xff"}
        assert (await ask(id=1, method="shout", params=["a", b"b"]))["result"] == b"Ab"
        assert (await ask(id=1, method="shout", params=["a", 5]))["error"]["data"][0]["path"] == ["raw"]
        item = await ask(id=2, method="numbers", params={"progressToken": "t"})
        assert item["params"] == {"token": "t", "value": 1}
        await raw.send("{}")
        assert msgspec.msgpack.decode(await raw.receive())["result"] is None  # type: ignore[arg-type]
        assert msgspec.msgpack.decode(await raw.receive())["error"]["code"] == -32700  # type: ignore[arg-type]


# Pipes and the context.


async def test_pipes_wrap_each_call() -> None:
    app, calls = make_app()
    seen: list[str] = []

    class Watch(Pipe):
        async def open(self) -> None:
            seen.append("open")

        def close(self) -> None:
            seen.append("close")

        async def pipe(self, next_pipe: Any, /, **kwargs: Any) -> Any:
            seen.append(f"pipe {kwargs}")
            return await next_pipe(**{name: value * 2 for name, value in kwargs.items()})

        def on_pipe_failure(self) -> None:
            seen.append("failure")

    class Never(Pipe):
        async def pipe_request(self, next_pipe: Any, /, **kwargs: Any) -> Any:
            raise AssertionError

        async def pipe_ws(self, next_pipe: Any, /, **kwargs: Any) -> Any:
            raise AssertionError

    @calls.method(pipeline=[Never()])
    async def twice(a: int) -> int:
        if a == 0:
            raise CallError(1, "zero")
        return a

    calls.pipeline = [Watch()]
    async with wire_to(app) as wire:
        assert (await wire.ask(id=1, method="twice", params=[2]))["result"] == 4
        assert seen == ["open", "pipe {'a': 2}", "close"]
        seen.clear()
        assert (await wire.ask(id=1, method="twice", params=[0]))["error"]["code"] == 1
        assert seen == ["open", "pipe {'a': 0}", "failure", "close"]


async def test_a_failed_requires_answers_with_an_error() -> None:
    app, calls = make_app()

    @calls.method(pipeline=[requires(lambda: False)])
    async def secret() -> int:
        return 1

    async with wire_to(app) as wire:
        assert (await wire.ask(id=1, method="secret"))["error"]["code"] == 403
