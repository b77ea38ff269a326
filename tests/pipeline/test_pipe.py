from __future__ import annotations

from typing import Any

import pytest

from emmett.errors import ConfigurationError
from emmett.pipeline import NextPipe, Pipe
from tests.pipeline.recording import KINDS, Kind, compose


@pytest.mark.parametrize("specific", ["pipe_request", "pipe_ws"])
def test_common_and_specific_pipe_in_one_class_are_refused(specific: str) -> None:
    async def hook(self: Pipe, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
        return await next_pipe(**kwargs)

    with pytest.raises(ConfigurationError, match=f"pipe Both has both `pipe` and `{specific}`: use either"):
        type("Both", (Pipe,), {"pipe": hook, specific: hook})


def test_common_and_specific_pipe_are_refused_through_inheritance() -> None:
    class Common(Pipe):
        async def pipe(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
            return await next_pipe(**kwargs)

    with pytest.raises(ConfigurationError, match="has both `pipe` and `pipe_ws`"):

        class Both(Common):
            async def pipe_ws(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
                return await next_pipe(**kwargs)


def test_both_specific_pipes_are_allowed() -> None:
    class Specific(Pipe):
        async def pipe_request(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
            return "request"

        async def pipe_ws(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
            return "ws"

    assert isinstance(Specific(), Pipe)


def test_class_keyword_arguments_reach_other_bases() -> None:
    class Named:
        label = ""

        def __init_subclass__(cls, label: str, **kwargs: Any) -> None:
            super().__init_subclass__(**kwargs)
            cls.label = label

    class Labelled(Pipe, Named, label="db"):
        pass

    assert Labelled.label == "db"


class AwaitsSuper(Pipe):
    async def open(self) -> None:
        await super().open()

    async def open_request(self) -> None:
        await super().open_request()

    async def open_ws(self) -> None:
        await super().open_ws()

    async def close(self) -> None:
        await super().close()

    async def close_request(self) -> None:
        await super().close_request()

    async def close_ws(self) -> None:
        await super().close_ws()

    async def pipe_request(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
        return await super().pipe_request(next_pipe, **kwargs)

    async def pipe_ws(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
        return await super().pipe_ws(next_pipe, **kwargs)

    async def on_pipe_success(self) -> None:
        await super().on_pipe_success()


class CallsSuper(Pipe):
    def open(self) -> None:
        super().open()

    def close(self) -> None:
        super().close()

    def pipe(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
        return super().pipe(next_pipe, **kwargs)

    def on_pipe_success(self) -> None:
        super().on_pipe_success()

    def on_pipe_failure(self) -> None:
        super().on_pipe_failure()

    def on_receive(self, data: Any, /) -> Any:
        return super().on_receive(data)

    def on_send(self, data: Any, /) -> Any:
        return super().on_send(data)

    def on_stream(self) -> Any:
        return super().on_stream()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pipe", [AwaitsSuper(), CallsSuper()], ids=["async", "plain"])
async def test_hooks_may_call_super(kind: Kind, pipe: Pipe) -> None:
    async def handler(number: int) -> int:
        return number + 1

    assert await compose(kind, [pipe], handler).run({"number": 1}) == 2


async def test_failure_and_stream_hooks_may_call_super() -> None:
    pipe = CallsSuper()
    pipe.on_pipe_failure()
    await pipe.on_stream()
    assert pipe.on_receive("text") == "text"
    assert pipe.on_send(b"data") == b"data"


@pytest.mark.parametrize(
    ("name", "hook"),
    [
        ("on_recieve", "on_receive"),
        ("on_recive", "on_receive"),
        ("on_sent", "on_send"),
        ("open_websocket", "open_ws"),
        ("pipe_websocket", "pipe_ws"),
        ("close_requests", "close_request"),
        ("on_message", "on_receive"),
        ("on_success", "on_pipe_success"),
    ],
)
def test_a_hook_that_is_none_is_refused(name: str, hook: str) -> None:
    with pytest.raises(ConfigurationError, match=f"Misspelt has '{name}', which is not a hook; did you mean '{hook}'"):
        type("Misspelt", (Pipe,), {name: lambda self: None})


def test_methods_with_other_names_belong_to_the_application() -> None:
    class Own(Pipe):
        on_recieves = "no method"

        def load(self) -> None: ...
        def on_login(self) -> None: ...
        def open_file(self) -> None: ...
        def _on_recieve(self) -> None: ...

    assert Own().load() is None  # type: ignore[func-returns-value]
