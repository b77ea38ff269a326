"""Describe an application, given its registrations."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, get_args, get_origin

from msgspec import UNSET

from ..calls.calls import Calls
from ..calls.method import Method, MethodKind
from ..dispatch.request_arguments import RequestArguments
from ..dispatch.request_results import media_type
from ..module import Registration, RouteInfo
from ..pipeline import Pipe
from ..typed.fields import ObjectField
from ..typed.parameters import Parameter, object_parameter
from ..typed.queries import query_fields
from .description import (
    About,
    DescribedCalls,
    DescribedContent,
    DescribedError,
    DescribedMessage,
    DescribedMethod,
    DescribedParameter,
    DescribedPath,
    DescribedRequest,
    DescribedWebsocket,
    Description,
    Schema,
)
from .json_schemas import build_schemas
from .paths import describe_path


class SchemaOf(Protocol):
    """Returns the schema of a type."""

    def __call__(self, type_: Any, *, is_sent: bool = False) -> Schema:
        """Return the schema.

        Arguments:
            is_sent: whether the application writes values of the type; otherwise it reads them.
        """


_UNIONS = (typing.Union, types.UnionType)
_RAW: dict[Any, tuple[str, str, Schema]] = {
    str: ("text", "text/plain", {"type": "string"}),
    bytes: ("binary", "application/octet-stream", {"type": "string", "format": "binary"}),
}


def describe(registrations: Sequence[Registration], about: About) -> Description:
    """Return the description of an application.

    Arguments:
        registrations: its routes, as `App.registrations` returns them.
        about: its name, version and so on.
    """
    # Collect all types first: the schemas are made together, since the name of a type depends on the other types.
    found: list[Any] = []
    sent: set[int] = set()

    def collect(type_: Any, *, is_sent: bool = False) -> Schema:
        if is_sent:
            sent.add(len(found))
        found.append(type_)
        return {}

    _describe_all(registrations, about, collect)
    schemas, named = build_schemas(found, sent)
    remaining = iter(schemas)

    def find(type_: Any, *, is_sent: bool = False) -> Schema:
        return next(remaining)

    description = _describe_all(registrations, about, find)
    return Description(
        about=about,
        requests=description.requests,
        calls=description.calls,
        websockets=description.websockets,
        schemas=named,
        security=description.security,
    )


def _describe_all(registrations: Sequence[Registration], about: About, schema_of: SchemaOf) -> Description:
    requests: list[DescribedRequest] = []
    calls: list[DescribedCalls] = []
    websockets: list[DescribedWebsocket] = []
    security: dict[str, dict[str, Any]] = {}
    for registration in registrations:
        if registration.is_hidden:
            continue
        schemes = _security_of(registration.all_pipes)
        security.update(schemes)
        if registration.calls is not None:
            for method in registration.calls.methods.values():
                security.update(_security_of((*registration.calls.pipeline, *method.pipes)))
            calls.append(_describe_calls(registration, registration.calls, tuple(schemes), schema_of))
        elif registration.infos[0].kind == "websocket":
            websockets.append(_describe_websocket(registration, tuple(schemes), schema_of))
        else:
            requests.append(_describe_request(registration, tuple(schemes), schema_of))
    return Description(
        about=about,
        requests=tuple(requests),
        calls=tuple(calls),
        websockets=tuple(websockets),
        security={name: security[name] for name in sorted(security)},
    )


def _describe_calls(
    registration: Registration, calls: Calls, security: tuple[str, ...], schema_of: SchemaOf
) -> DescribedCalls:
    info = registration.infos[0]
    return DescribedCalls(
        name=info.name,
        paths=_paths_of(registration.infos),
        methods=tuple(_describe_method(calls, method, schema_of) for method in calls.methods.values()),
        emitted=tuple(
            DescribedMessage(name=name, schema=schema_of(type_, is_sent=True), description=_documentation(type_))
            for type_, name in calls.emitted.items()
        ),
        hostname=info.hostname,
        security=security,
    )


def _describe_method(calls: Calls, method: Method, schema_of: SchemaOf) -> DescribedMethod:
    signature = method.signature
    parameters = describe_parameters(signature.parameters, schema_of)
    whole = object_parameter(signature.parameters)
    options = method.options
    return DescribedMethod(
        name=method.name,
        kind=method.kind.value,
        parameters=parameters,
        params=_object_of(parameters) if whole is None else parameters[0].schema,
        takes_object=whole is not None,
        result=_describe_result(method, schema_of),
        description=_documentation(method.function),
        limit=None if options.limit is None else str(options.limit),
        timeout=options.timeout,
        security=tuple(_security_of((*calls.pipeline, *method.pipes))),
        errors=_describe_errors(options.errors),
    )


def describe_parameters(parameters: Iterable[Parameter], schema_of: SchemaOf) -> tuple[DescribedParameter, ...]:
    """Return the parameters of a function, each with its schema and its default."""
    return tuple(
        DescribedParameter(
            name=each.name, schema=_with_default(each, schema_of(each.type)), is_required=each.is_required
        )
        for each in parameters
    )


def _with_default(parameter: Parameter | ObjectField, schema: Schema) -> Schema:
    is_shown = not parameter.is_required and parameter.default is not UNSET and not isinstance(parameter.default, bytes)
    return {**schema, "default": parameter.default} if is_shown else schema


def _describe_result(method: Method, schema_of: SchemaOf) -> Schema | None:
    result = method.signature.result
    if method.kind is MethodKind.EVENT:
        return None
    if method.kind is MethodKind.STREAM:
        result = (*get_args(result), Any)[0]
    return schema_of(result, is_sent=True)


def _object_of(parameters: Iterable[DescribedParameter]) -> Schema:
    """Return the schema of an object with exactly these members."""
    parameters = list(parameters)
    return {
        "type": "object",
        "properties": {each.name: each.schema for each in parameters},
        "required": [each.name for each in parameters if each.is_required],
        "additionalProperties": False,
    }


def _describe_websocket(
    registration: Registration, security: tuple[str, ...], schema_of: SchemaOf
) -> DescribedWebsocket:
    info = registration.infos[0]
    return DescribedWebsocket(
        name=info.name,
        paths=_paths_of(registration.infos),
        receives=tuple(_describe_messages(registration.receives, schema_of)),
        sends=tuple(_describe_messages(registration.sends, partial(schema_of, is_sent=True))),
        description=_documentation(registration.function),
        hostname=info.hostname,
        security=security,
    )


def _describe_messages(declared: Any, schema_of: SchemaOf) -> Iterator[DescribedMessage]:
    """Yield the messages that a type declares: for a union, one for each member."""
    if declared is None:
        return
    for number, type_ in enumerate(get_args(declared) if get_origin(declared) in _UNIONS else (declared,)):
        if type_ in _RAW:
            name, content_type, schema = _RAW[type_]
            yield DescribedMessage(name=name, schema=dict(schema), content_type=content_type)
        else:
            name = type_.__name__ if isinstance(type_, type) else f"message{number + 1}"
            yield DescribedMessage(name=name, schema=schema_of(type_), description=_documentation(type_))


def _describe_request(registration: Registration, security: tuple[str, ...], schema_of: SchemaOf) -> DescribedRequest:
    info = registration.infos[0]
    return DescribedRequest(
        name=info.name,
        paths=_paths_of(registration.infos),
        methods=info.methods,
        query=tuple(_describe_query(registration.arguments, schema_of)),
        body=_describe_body(registration.arguments, schema_of),
        result=_describe_content(registration.result, schema_of),
        description=_documentation(registration.function),
        hostname=info.hostname,
        security=security,
        errors=_describe_errors(registration.errors),
    )


def _describe_errors(errors: Mapping[int, str]) -> tuple[DescribedError, ...]:
    return tuple(DescribedError(code=code, meaning=errors[code]) for code in sorted(errors))


def _describe_query(arguments: RequestArguments | None, schema_of: SchemaOf) -> Iterator[DescribedParameter]:
    for parameter in () if arguments is None else arguments.query:
        for field in query_fields(parameter):
            yield DescribedParameter(
                name=field.name, schema=_with_default(field, schema_of(field.type)), is_required=field.is_required
            )


def _describe_body(arguments: RequestArguments | None, schema_of: SchemaOf) -> DescribedContent | None:
    if arguments is None or arguments.body is None:
        return None
    return DescribedContent(schema=schema_of(arguments.body.type), is_required=arguments.body.is_required)


def _describe_content(annotation: Any, schema_of: SchemaOf) -> DescribedContent | None:
    kind = media_type(annotation)
    if kind is None:
        return None
    schema = (
        schema_of(annotation, is_sent=True)
        if kind == "application/json"
        else dict(_RAW[str if kind == "text/plain" else bytes][2])
    )
    return DescribedContent(schema=schema, content_type=kind)


def _paths_of(infos: Iterable[RouteInfo]) -> tuple[DescribedPath, ...]:
    return tuple(path for info in infos for path in describe_path(info.path))


def _security_of(pipes: Iterable[Pipe]) -> Mapping[str, dict[str, Any]]:
    """Return the security schemes that pipes declare, by the names of their classes."""
    return {type(pipe).__name__: dict(pipe.security) for pipe in pipes if pipe.security is not None}


def _documentation(of: Any) -> str:
    """Return the docstring of a function or a class; empty for the one that Python generates for a dataclass."""
    if getattr(of, "__module__", None) in ("builtins", "typing"):
        return ""
    text = inspect.cleandoc(of.__doc__ or "") if hasattr(of, "__doc__") else ""
    is_generated = isinstance(of, type) and text.startswith(f"{of.__name__}(") and text.endswith(")")
    return "" if is_generated else text
