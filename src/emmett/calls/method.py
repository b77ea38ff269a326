"""A registered function: its name, its parameters, and how it may be called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, Raw, UnsetType

from ..checks import error_meanings
from ..errors import ConfigurationError
from ..pipeline import Flow, Pipe, compose_call
from ..typed.faults import MAX_FAULTS, Fault, find_faults
from ..typed.fields import member_names
from ..typed.models import decode_model
from ..typed.parameters import Parameter, Signature, make_struct, object_parameter
from .codecs import Codec, Decode
from .jsonrpc import UNREADABLE
from .limits import Rate, parse_rate
from .streaming import Token, send_items

# The name that a caller gives to the items of a stream: a parameter of emmett, or that of LSP 3.17.
TOKEN_NAMES = ("progressToken", "partialResultToken")


class MethodKind(Enum):
    """How a function answers."""

    CALL = "call"
    STREAM = "stream"
    EVENT = "event"


class InvalidParams(Exception):
    """The parameters do not fit.

    Arguments:
        faults: the faults that were found.
    """

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(faults)
        self.faults = faults


class MethodOptions(NamedTuple):
    """How a function may be called.

    Fields:
        limit: its rate; None to allow any rate that the connection allows.
        per: whether `limit` counts the calls of a connection, or of a user on all connections.
        timeout: the most seconds that it may take; None for no deadline.
        is_ordered: whether a call waits for the connection's previous one.
        max_params_size: the most bytes of encoded parameters.
        errors: the codes of the errors that it raises, each with its meaning, for documents.
    """

    limit: Rate | None
    per: str
    timeout: float | None
    is_ordered: bool
    max_params_size: int | None
    errors: Mapping[int, str] = MappingProxyType({})


def make_options(
    limit: str | None,
    per: str,
    timeout: float | None,
    is_ordered: bool,
    max_params_size: int | None,
    errors: Mapping[int, str] = MappingProxyType({}),
) -> MethodOptions:
    """Return the options of a function, as `Calls.method` and `Calls.event` take them.

    Raises:
        ConfigurationError: one is invalid.
    """
    if per not in ("connection", "user"):
        raise ConfigurationError(f"per={per!r}: expected 'connection' or 'user'")
    if timeout is not None and not 0 < timeout < float("inf"):
        raise ConfigurationError(f"timeout={timeout!r}: expected a number of seconds above 0, or None for no deadline")
    if problem := error_meanings(errors):
        raise ConfigurationError(problem)
    rate = None if limit is None else parse_rate(limit)
    return MethodOptions(rate, per, timeout, is_ordered, max_params_size, MappingProxyType({**errors}))


class Method:
    """A registered function.

    Arguments:
        name: its name for clients.
        function: the function.
        kind: how it answers.
        signature: its parameters and its result.
        options: how it may be called.
        pipes: its own pipes.

    Attributes:
        flow: the function inside all its pipes, once it is composed.
        is_ordered: whether its calls wait for earlier ones.
        is_guarded: whether its calls are checked for more than their parameters.
        is_plain: whether a call has only its parameters and no deadline, so that the function is called directly.
        is_limited_per_user: whether its rate counts the calls of users, which may require asking the broker.
    """

    __slots__ = (
        *("_by_name", "_by_position", "_decoders", "_is_complete", "_object", "flow", "function", "is_guarded"),
        *("is_limited_per_user", "is_ordered", "is_plain", "kind", "name", "options", "pipes", "signature"),
    )

    flow: Flow
    is_plain: bool

    def __init__(
        self,
        name: str,
        function: Callable[..., Any],
        kind: MethodKind,
        signature: Signature,
        options: MethodOptions,
        pipes: tuple[Pipe, ...],
    ) -> None:
        self.name = name
        self.function = function
        self.kind = kind
        self.signature = signature
        self.options = options
        self.pipes = pipes
        parameters = signature.parameters
        self.is_ordered = options.is_ordered
        is_bounded = options.limit is not None or options.max_params_size is not None
        self.is_guarded = is_bounded or options.is_ordered or kind is MethodKind.STREAM
        self.is_limited_per_user = options.limit is not None and options.per == "user"
        self._object: Parameter | None = object_parameter(parameters)
        self._by_name: Any = self._object.type if self._object is not None else make_struct(name, parameters)
        self._by_position: Any = make_struct(name, parameters, array_like=True)
        # Whether every parameter is required: then the decoded values are passed as they are.
        self._is_complete = all(parameter.default is not UNSET or parameter.is_required for parameter in parameters)
        self._decoders: dict[Codec, tuple[Decode, Decode]] = {}

    @property
    def lane(self) -> Method | None:
        """The lane of its calls: that of this method; None for that of all events of the connection."""
        return None if self.kind is MethodKind.EVENT else self

    def compose(self, outer: tuple[Pipe, ...]) -> None:
        """Compose the function and its pipes, inside the pipes of all methods."""
        handler = send_items(self.function) if self.kind is MethodKind.STREAM else self.function
        self.flow = compose_call((*outer, *self.pipes), handler)
        has_more = self.is_limited_per_user or self.signature.is_injected or self.options.timeout is not None
        self.is_plain = not (has_more or self.flow.has_hooks or self.kind is MethodKind.STREAM)

    def bind(self, params: Raw | UnsetType, codec: Codec) -> dict[str, Any]:
        """Return the arguments for the parameters of a call or an event.

        Arguments:
            params: the parameters as received: an object, an array, null, or nothing (section 4.2).
            codec: how they are encoded.

        Raises:
            InvalidParams: they do not fit; the exception lists all faults.
        """
        if params is UNSET:
            return self._bind_anything({})
        decoders = self._decoders.get(codec)
        if decoders is None:
            decoders = self._decoders[codec] = codec.decoder(self._by_name), codec.decoder(self._by_position)
        try:
            found = decoders[0](params)
        except UNREADABLE:
            # Most clients pass names; looking for an array first would cost each of their calls more.
            return self._bind_by_position(params, codec)
        return self._members(found) if self._object is None else {self._object.name: found}

    def bind_stream(self, params: Raw | UnsetType, codec: Codec) -> tuple[dict[str, Any], Token | UnsetType]:
        """Return the arguments of a stream, and the token that its caller chose; `UNSET` without one.

        Raises:
            InvalidParams: as `bind`.
        """
        plain = {} if params is UNSET else _plain(params, codec)
        token: Token | UnsetType = UNSET
        if isinstance(plain, dict):
            for name in TOKEN_NAMES:
                found = plain.pop(name, UNSET)
                token = found if isinstance(found, (str, int)) and not isinstance(found, bool) else token
        return self._bind_anything(plain), token

    def _bind_by_position(self, params: Raw, codec: Codec) -> dict[str, Any]:
        try:
            if codec.is_array(params):
                return self._members(self._decoders[codec][1](params))
        except UNREADABLE:
            pass
        return self._bind_anything(_plain(params, codec))

    def _bind_anything(self, plain: Any) -> dict[str, Any]:
        """Bind decoded parameters of any form, and collect all faults."""
        plain = {} if plain is None else plain
        if self._object is not None and isinstance(plain, list):
            plain = self._object_of(plain, self._object.type)
        if isinstance(plain, list):
            names = [parameter.name for parameter in self.signature.parameters]
            if len(plain) > len(names):
                raise InvalidParams([Fault((len(names),), f"is one too many: at most {len(names)} are allowed")])
            by_name: Any = dict(zip(names, plain, strict=False))
            type_: Any = make_struct(self.name, self.signature.parameters)
            is_object = False
        elif isinstance(plain, dict):
            by_name, type_, is_object = plain, self._by_name, self._object is not None
        else:
            raise InvalidParams([Fault((), "the parameters must be an object or an array")])
        faults = find_faults(by_name, type_)
        if faults:
            raise InvalidParams(faults[:MAX_FAULTS])
        value = msgspec.convert(by_name, type_, str_keys=True, dec_hook=decode_model)
        if is_object:
            assert self._object is not None
            return {self._object.name: value}
        return self._members(value)

    def _object_of(self, values: list[Any], type_: Any) -> Any:
        """Return the value of the only parameter: the array has the object itself, or its members in order."""
        if len(values) == 1 and isinstance(values[0], dict):
            return values[0]
        names = member_names(type_)
        if len(values) > len(names):
            raise InvalidParams([Fault((len(names),), f"is one too many: at most {len(names)} are allowed")])
        return dict(zip(names, values, strict=False))

    def _members(self, struct: Any) -> dict[str, Any]:
        """Return the given fields of a struct; the function has its own defaults for the others."""
        members = msgspec.structs.asdict(struct)
        if self._is_complete:
            return members
        return {name: value for name, value in members.items() if value is not UNSET}


def _plain(params: Raw | UnsetType, codec: Codec) -> Any:
    try:
        return {} if params is UNSET else codec.decode(params, Any)
    except UNREADABLE as error:
        raise InvalidParams([Fault((), f"the parameters cannot be read: {error}")]) from None
