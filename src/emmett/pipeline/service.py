"""`service`: converts the results and messages of a handler into a data format."""

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
        # msgspec encodes bytes as base64 text, so messages are passed on unchanged.
        return data if isinstance(data, (str, bytes, bytearray, memoryview)) else encode_json(data).decode()


class Service:
    """The available formats: `service.json`, the same as `service("json")`.

    Each is a pipe, for a `pipeline=[...]`, and a decorator, below `@app.route()` or `@app.websocket()`.
    """

    json = JSONService()
    """JSON. On a request, the result of the handler, including `str` and `None`, becomes the body of an
    `application/json` response; only a `Response` is left unchanged. On a websocket, a value that the handler sends
    becomes JSON text; `str` and bytes are left unchanged. A value that JSON cannot represent is a `UsageError`.
    """

    def __call__(self, name: str) -> JSONService:
        """Return the pipe of a format. Raises `ConfigurationError` if the format does not exist."""
        if name != "json":
            raise ConfigurationError(f"service({name!r}) does not exist: there is service.json")
        return self.json

    def __getattr__(self, name: str) -> JSONService:
        # Look-ups of private names come from tools such as copy and inspect, which expect an AttributeError.
        if name.startswith("_"):
            raise AttributeError(name)
        return self(name)


service = Service()
