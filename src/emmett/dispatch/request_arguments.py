"""The arguments of a request handler that are read from the request: its query and its JSON body."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec

from ..ctx import current_request, current_response, current_session
from ..errors import ConfigurationError, InvalidRequest, RequestError, RequestFault
from ..http.request import Request
from ..http.response import Response
from ..typed.faults import find_faults
from ..typed.models import decode_model
from ..typed.parameters import Parameter, is_object_type, make_parameter, read_hints
from ..typed.queries import QueryReader, query_fields
from ..typed.sources import Source, fits_query, source_of, without_source

# Returns a value for the running request.
Provide = Callable[[], Any]

_SESSION_MODULE = f"{__package__.partition('.')[0]}.sessions.session"
# Methods whose requests have a body with a meaning (RFC 9110, 9.3).
BODY_METHODS = frozenset(("POST", "PUT", "PATCH"))

_ADVICE = "annotate it FromBody[...] or FromQuery[...] (from emmett.typed import FromBody, FromQuery)"


class RequestArguments:
    """Reads the arguments of one handler.

    Arguments:
        query: the parameters that are read from the query.
        body: the parameter that is the JSON body; `None` if there is none.
        injected: the functions that return the values of the other parameters, by name.

    Attributes:
        query, body: as above.
        names: the names of all parameters that get a value.
    """

    def __init__(self, query: Sequence[Parameter], body: Parameter | None, injected: dict[str, Provide]) -> None:
        self.query = tuple(query)
        self.body = body
        self.names = frozenset((*(each.name for each in query), *injected, *([body.name] if body is not None else ())))
        self._injected = injected
        self._reader = QueryReader(query)
        self._decode = None if body is None else msgspec.json.Decoder(body.type, dec_hook=decode_model).decode

    def bind(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return an async function that reads these arguments and calls a handler with them.

        An argument that a pipe passes goes before the one of the request.
        """

        @functools.wraps(function)
        async def call(**given: Any) -> Any:
            result = function(**given, **await self._read(given))
            return await result if inspect.isawaitable(result) else result

        return call

    async def _read(self, given: Collection[str]) -> dict[str, Any]:
        """Return the arguments.

        Arguments:
            given: the names of those that need not be read.

        Raises:
            InvalidRequest: 400 for a body that is not JSON, 422 for any other fault. It lists all faults.
            RequestError: 415 for a body of another media type, and what reading the body raises.
        """
        request = current_request.get()
        assert request is not None
        values: dict[str, Any] = {name: get() for name, get in self._injected.items() if name not in given}
        faults: list[RequestFault] = []
        status = 422
        if self.query:
            found, query_faults = self._reader.read(request.query_params, given)
            values.update(found)
            faults += [RequestFault("query", *fault) for fault in query_faults]
        if self.body is not None and self.body.name not in given:
            content = await _read_json(request)
            try:
                self._read_body(self.body, content, values, faults)
            except RequestError as error:
                status = error.status
                faults.append(RequestFault("body", (), error.message))
        if faults:
            raise InvalidRequest(status, faults)
        return values

    def _read_body(self, body: Parameter, content: bytes, values: dict[str, Any], faults: list[RequestFault]) -> None:
        if not content:
            if body.is_required:
                faults.append(RequestFault("body", (), "is missing"))
            return
        assert self._decode is not None
        try:
            values[body.name] = self._decode(content)
        except msgspec.ValidationError as error:
            found = find_faults(_decode_plain(content), body.type)
            faults += [RequestFault("body", *fault) for fault in found] or [RequestFault("body", (), str(error))]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            _decode_plain(content)
            raise


async def _read_json(request: Request) -> bytes:
    """Return the body of a request.

    Raises:
        RequestError: 415 if it has content of another media type than JSON. A page of another site can send any other
            type without asking, so none is taken for JSON.
    """
    content_type = request.content_type
    if content_type == "application/json" or (content_type.endswith("+json") and "/" in content_type):
        return await request.body
    content = b"" if content_type else await request.body
    if content or content_type:
        said = f"not {content_type}" if content_type else "and its Content-Type must say so"
        raise InvalidRequest(415, [RequestFault("body", (), f"must be JSON (application/json), {said}")])
    return content


def _decode_plain(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RequestError(400, f"is not valid JSON: {error}") from None
    except RecursionError:
        raise RequestError(400, "is nested too deeply") from None


def find_request_arguments(
    label: str,
    function: Callable[..., Any],
    variables: Collection[str],
    methods: Collection[str],
    *,
    has_other_sources: bool = False,
) -> RequestArguments | None:
    """Return the arguments of a handler that are read from the request; `None` if there are none.

    Arguments:
        label: the route, as errors name it.
        function: the handler.
        variables: the names of all variables of its paths.
        methods: its HTTP methods, in upper case.
        has_other_sources: whether a pipe may pass further arguments, so that a type that cannot be decoded is not an
            error.

    Raises:
        ConfigurationError: a type cannot be read from a request, or does not say from which part of it.
    """
    wanted = _annotated_parameters(label, function, variables)
    query: list[Parameter] = []
    bodies: list[Parameter] = []
    injected: dict[str, Provide] = {}
    for name, (annotation, default) in wanted.items():
        provide = _provider_of(annotation)
        if provide is not None:
            injected[name] = provide
            continue
        type_ = without_source(annotation)
        try:
            parameter = make_parameter(name, type_, default, label)
        except ConfigurationError:
            # A default of its own: the function is called by tests, for example, with something else.
            if has_other_sources or default is not inspect.Parameter.empty:
                continue
            raise
        source = source_of(annotation) or _usual_source(parameter, frozenset(methods), label)
        _check_source(parameter, source, frozenset(methods), label)
        (query if source is Source.QUERY else bodies).append(parameter)
    if len(bodies) > 1:
        names = " and ".join(repr(each.name) for each in bodies)
        raise ConfigurationError(
            f"{label}: parameters {names} would both be the JSON body; make one type with both as members, or {_ADVICE}"
        )
    if not (query or bodies or injected):
        return None
    return RequestArguments(query, bodies[0] if bodies else None, injected)


def _provider_of(annotation: Any) -> Provide | None:
    """Return the function that returns the request, the response or the session, if the annotation is one of them."""
    if annotation is Request:
        return current_request.get
    if annotation is Response:
        return current_response.get
    # A program that annotates with the class has imported its module, which many applications do without.
    sessions = sys.modules.get(_SESSION_MODULE)
    return current_session.get if sessions is not None and annotation is sessions.Session else None


def _annotated_parameters(
    label: str, function: Callable[..., Any], variables: Collection[str]
) -> dict[str, tuple[Any, Any]]:
    """Return annotation and default of each parameter that is no variable of the path."""
    try:
        # A decorator is responsible for the function that it wraps.
        signature = inspect.signature(function, follow_wrapped=False)
    except (TypeError, ValueError):
        return {}  # some callables written in C have no signature
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    found = [
        each
        for each in signature.parameters.values()
        if each.kind in named and each.annotation is not each.empty and each.name not in variables
    ]
    if not found:
        return {}
    hints = read_hints(_annotated(function), label)
    # The arguments of a functools.partial have values, so they are neither variables nor read from the request.
    bound = function.keywords if isinstance(function, functools.partial) else {}
    return {
        each.name: (hints[each.name], each.default) for each in found if each.name in hints and each.name not in bound
    }


def _annotated(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that has the annotations of a callable object."""
    while isinstance(function, functools.partial):
        function = function.func
    return function if hasattr(function, "__annotations__") else type(function).__call__


def _usual_source(parameter: Parameter, methods: frozenset[str], label: str) -> Source:
    """Return where a type is read from: scalars from the query, others from the body of methods that have one."""
    if fits_query(parameter.type):
        return Source.QUERY
    if methods <= BODY_METHODS:
        return Source.BODY
    if not methods & BODY_METHODS:
        return Source.QUERY
    raise ConfigurationError(
        f"{label}: parameter {parameter.name!r} would be the JSON body of {_list(methods & BODY_METHODS)} and the "
        f'query of {_list(methods - BODY_METHODS)}; write methods="post" or methods="get", or {_ADVICE}. '
        "If a pipe passes it, name it in the attribute `passes` of the pipe"
    )


def _check_source(parameter: Parameter, source: Source, methods: frozenset[str], label: str) -> None:
    if source is Source.BODY:
        if not methods <= BODY_METHODS:
            raise ConfigurationError(
                f"{label}: parameter {parameter.name!r} is the JSON body, which a request with "
                f'{_list(methods - BODY_METHODS)} does not have; write methods="post"'
            )
        return
    if not is_object_type(parameter.type):
        if not fits_query(parameter.type):
            raise ConfigurationError(
                f"{label}: parameter {parameter.name!r} has a type that a query cannot contain; it can contain text, "
                "numbers and other scalars, lists of these, and objects (a Struct, for example) with such members"
            )
        return
    for field in query_fields(parameter):
        if not fits_query(field.type):
            raise ConfigurationError(
                f"{label}: parameter {parameter.name!r} is read from the query, which cannot contain its member "
                f'{field.name!r}; write methods="post" to read it from the JSON body'
            )


def _list(methods: Collection[str]) -> str:
    return ", ".join(sorted(methods))
