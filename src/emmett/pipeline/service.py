"""`service`: turns what a handler returns or sends into a format for programs."""

from __future__ import annotations

from typing import Any

from ..errors import ConfigurationError
from ..http.render import encode_json
from ..http.response import Response
from .decorator import DecoratorPipe
from .pipe import NextPipe


class JSONService(DecoratorPipe):
    """A pipe that turns results and sent messages into JSON. See `service`."""

    async def pipe_request(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
        result = await next_pipe(**kwargs)
        if isinstance(result, Response):
            return result
        return Response(encode_json(result), content_type="application/json")

    def on_send(self, data: Any, /) -> Any:
        # msgspec writes bytes as base64 text; what is a message already stays one.
        return data if isinstance(data, (str, bytes, bytearray, memoryview)) else encode_json(data).decode()


class Service:
    """The formats that there are: `service.json`, the same as `service("json")`.

    Each is a pipe, for a `pipeline=[...]`, and a decorator, below `@app.route()` or `@app.websocket()`.
    """

    json = JSONService()
    """JSON. On a request, whatever the handler returns, `str` and `None` too, becomes the body of an `application/json`
    response; only a `Response` stays as it is. On a websocket, a value that the handler sends becomes JSON text; `str`
    and bytes stay as they are. A value that JSON cannot express is a `UsageError`.
    """

    def __call__(self, name: str) -> JSONService:
        """Return the pipe of a format. Raises `ConfigurationError` when there is no such format."""
        if name != "json":
            raise ConfigurationError(f"service({name!r}) does not exist: there is service.json")
        return self.json

    def __getattr__(self, name: str) -> JSONService:
        # Look-ups of private names come from tools such as copy and inspect, which expect this error.
        if name.startswith("_"):
            raise AttributeError(name)
        return self(name)


service = Service()
