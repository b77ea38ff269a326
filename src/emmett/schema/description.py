"""The description of an application: everything that a client can request, call, send or receive.

Types are JSON Schemas (2020-12). The schemas of named types are in `Description.schemas`, and everything else refers to
them as `#/components/schemas/NAME`. OpenAPI and AsyncAPI documents, generated clients and the docs page are generated
from a description, which msgspec can encode.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Schema = dict[str, Any]

REF_PREFIX = "#/components/schemas/"


class About(msgspec.Struct, frozen=True, kw_only=True):
    """The application itself.

    Attributes:
        title: its name.
        version: the version of its interface.
        description: Markdown.
        servers: the URLs under which it is served, such as `https://example.com/app`.
    """

    title: str
    version: str = "0.1.0"
    description: str = ""
    servers: tuple[str, ...] = ()


class DescribedParameter(msgspec.Struct, frozen=True, kw_only=True):
    """A value that a client passes: a variable of the path or of the query, or a parameter of a method.

    Attributes:
        name: its name in the data.
        schema: its type, with the default if there is one.
        is_required: whether it is required.
    """

    name: str
    schema: Schema
    is_required: bool = True


class DescribedPath(msgspec.Struct, frozen=True, kw_only=True):
    """A path of a route.

    Attributes:
        template: the path with its variables in braces: `/rooms/{room}`.
        variables: the variables, from left to right.
    """

    template: str
    variables: tuple[DescribedParameter, ...] = ()


class DescribedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is sent over a websocket in one direction.

    Attributes:
        name: the name of an event, or of a type.
        schema: the content; of an event, its parameters.
        content_type: the media type of a frame's payload: JSON and `text/plain` are sent in text frames.
        description: Markdown.
    """

    name: str
    schema: Schema
    content_type: str = "application/json"
    description: str = ""


class DescribedError(msgspec.Struct, frozen=True, kw_only=True):
    """An error that a function declares to raise.

    Attributes:
        code: the code of the error.
        meaning: Markdown.
    """

    code: int
    meaning: str


class DescribedMethod(msgspec.Struct, frozen=True, kw_only=True):
    """A function that clients call over a websocket.

    Attributes:
        name: the method in JSON-RPC.
        kind: "call" has one result, "stream" has several items, "event" has no reply.
        parameters: the parameters by name, in the order in which they may be given by position.
        params: the type of the whole `params` object.
        takes_object: whether the only parameter is an object whose members are those of `params`.
        result: the type of the result, or of each item of a stream; `None` for an event.
        description: Markdown.
        limit: its own rate limit, such as "20/s"; `None` without one.
        timeout: the maximum time of a call in seconds; `None` for no deadline.
        security: the names of the security schemes of its pipes.
        errors: the errors that it declares, by code.
    """

    name: str
    kind: Literal["call", "stream", "event"]
    parameters: tuple[DescribedParameter, ...]
    params: Schema
    takes_object: bool = False
    result: Schema | None = None
    description: str = ""
    limit: str | None = None
    timeout: float | None = None
    security: tuple[str, ...] = ()
    errors: tuple[DescribedError, ...] = ()


class DescribedCalls(msgspec.Struct, frozen=True, kw_only=True):
    """A websocket route whose clients call functions: `app.calls(...)`.

    Attributes:
        name: the name of the route.
        paths: its paths.
        methods: the methods and events that clients call.
        emitted: the events that the server sends.
        hostname: the host of the route; `None` for all hosts.
        security: the names of the security schemes of its pipes.
    """

    name: str
    paths: tuple[DescribedPath, ...]
    methods: tuple[DescribedMethod, ...]
    emitted: tuple[DescribedMessage, ...]
    hostname: str | None = None
    security: tuple[str, ...] = ()


class DescribedWebsocket(msgspec.Struct, frozen=True, kw_only=True):
    """A plain websocket route.

    Attributes:
        name: the name of the route.
        paths: its paths.
        receives: the messages that clients send, if the route declares them.
        sends: the messages that the server sends, if the route declares them.
        description: Markdown.
        hostname: the host of the route; `None` for all hosts.
        security: the names of the security schemes of its pipes.
    """

    name: str
    paths: tuple[DescribedPath, ...]
    receives: tuple[DescribedMessage, ...] = ()
    sends: tuple[DescribedMessage, ...] = ()
    description: str = ""
    hostname: str | None = None
    security: tuple[str, ...] = ()


class DescribedContent(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a request or a response.

    Attributes:
        schema: its type.
        content_type: its media type.
        is_required: whether a request must have it.
    """

    schema: Schema
    content_type: str = "application/json"
    is_required: bool = True


class DescribedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A route for requests.

    Attributes:
        name: the name of the route.
        paths: its paths.
        methods: its HTTP methods, in upper case.
        query: the parameters in the query.
        body: the JSON body; `None` if the handler does not declare one.
        result: the content of a successful response; `None` if the handler does not declare one.
        description: Markdown.
        hostname: the host of the route; `None` for all hosts.
        security: the names of the security schemes of its pipes.
        errors: the statuses of the errors that it declares.
    """

    name: str
    paths: tuple[DescribedPath, ...]
    methods: tuple[str, ...]
    query: tuple[DescribedParameter, ...] = ()
    body: DescribedContent | None = None
    result: DescribedContent | None = None
    description: str = ""
    hostname: str | None = None
    security: tuple[str, ...] = ()
    errors: tuple[DescribedError, ...] = ()


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that clients of an application can use.

    Attributes:
        about: the application itself.
        requests, calls, websockets: the routes, in the order of registration.
        schemas: the schemas of named types, by name and sorted by it.
        security: the security schemes of pipes by name, in the form of OpenAPI.
    """

    about: About
    requests: tuple[DescribedRequest, ...] = ()
    calls: tuple[DescribedCalls, ...] = ()
    websockets: tuple[DescribedWebsocket, ...] = ()
    schemas: dict[str, Schema] = {}
    security: dict[str, dict[str, Any]] = {}
