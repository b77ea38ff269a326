"""The calls of a websocket route in an AsyncAPI document: JSON-RPC 2.0 messages, one in each frame."""

from __future__ import annotations

from typing import Any

from .asyncapi_parts import Parts, channel_for
from .description import REF_PREFIX, DescribedCalls, DescribedMessage, DescribedMethod, Schema
from .documents import documented, list_errors, summarise

_ID_NAME = "jsonrpc.Id"
_ERROR_NAME = "jsonrpc.Error"
_FAULT_NAME = "jsonrpc.Fault"

_SCHEMAS: dict[str, Schema] = {
    _ID_NAME: {
        "title": "Id",
        "description": 'The id of a call, chosen by the caller. The reply repeats it with its type: 1 and "1" differ.',
        "type": ["string", "integer"],
    },
    _FAULT_NAME: {
        "title": "Fault",
        "description": "A fault of the parameters.",
        "type": "object",
        "properties": {
            "path": {
                "description": "The members and indexes that lead to it.",
                "type": "array",
                "items": {"type": ["string", "integer"]},
            },
            "message": {"type": "string"},
        },
        "required": ["path", "message"],
    },
    _ERROR_NAME: {
        "title": "Error",
        "type": "object",
        "properties": {
            "code": {"type": "integer", "description": "See the message's description."},
            "message": {"type": "string"},
            "data": {"description": f"Details; for the code -32602 a list of {_FAULT_NAME}."},
        },
        "required": ["code", "message"],
    },
}
_WIRE_FORMAT = (
    "JSON-RPC 2.0 (https://www.jsonrpc.org/specification): one message in each frame, as JSON; or as MessagePack in "
    "binary frames with the subprotocol `jsonrpc-2.0+msgpack`. Parameters are given by name, as shown, or by position."
)
_CODES = """\
The answer to a call that failed.

| code | when | `data` |
| --- | --- | --- |
| -32700 | the message is not JSON | |
| -32600 | the message is not JSON-RPC 2.0 | |
| -32601 | the method does not exist | |
| -32602 | the parameters do not match | every fault with its path |
| -32603 | the method failed | |
| -32029 | a limit is exceeded | `retry_after` in seconds |
| -32800 | the caller has cancelled the call | |
| -32802 | the call took too long | `timeout` in seconds |
| 400 to 599 | the status with which the application refused the call | |
| any other | an error of the application | |
"""
_CORRELATION = {"location": "$message.payload#/id", "description": "The id of the call."}


def add_calls(parts: Parts, calls: DescribedCalls) -> None:
    """Add the channel of a route, with an operation for each method and event, and one to cancel calls."""
    for name, schema in _SCHEMAS.items():
        parts.schemas[name] = schema
    for path in calls.paths:
        key = parts.add_channel(calls.name, channel_for(path, calls.hostname, _WIRE_FORMAT))
        error = ""
        if any(method.kind != "event" for method in calls.methods):
            error = parts.add_message(key, "error", _error_message())
        for method in calls.methods:
            _add_method(parts, key, method, error, calls.security)
        for event in calls.emitted:
            message = parts.add_message(key, f"{event.name}.emitted", _event_message(event))
            parts.add_operation(key, f"{event.name}.emit", "send", [message], documented(event.description))
        if error:
            cancel = parts.add_message(key, "cancel", _cancel_message())
            parts.add_operation(
                key, "cancel", "receive", [cancel], {"summary": "Cancel a running call."}, calls.security
            )


def _add_method(parts: Parts, channel: str, method: DescribedMethod, error: str, security: tuple[str, ...]) -> None:
    request = parts.add_message(channel, f"{method.name}.{method.kind}", _request_message(method))
    replies: list[str] = []
    if method.kind == "stream":
        replies.append(parts.add_message(channel, f"{method.name}.item", _item_message(method)))
    if method.kind != "event":
        replies.append(parts.add_message(channel, f"{method.name}.result", _result_message(method)))
        if method.errors:
            replies.append(parts.add_message(channel, f"{method.name}.error", _own_error_message(method)))
        replies.append(error)
    required = dict.fromkeys((*security, *method.security))
    parts.add_operation(channel, method.name, "receive", [request], _documentation(method), required, replies)


def _documentation(method: DescribedMethod) -> dict[str, Any]:
    notes = [method.description]
    if method.limit is not None:
        notes.append(f"It may be called {method.limit}.")
    if method.timeout is not None:
        notes.append(f"A call is cancelled after {method.timeout:g} s.")
    text = "\n\n".join(note for note in notes if note)
    summary = {"summary": summarise(method.description)} if method.description else {}
    return {**summary, **({"description": text} if text and text != summary.get("summary") else {})}


def _request_message(method: DescribedMethod) -> dict[str, Any]:
    members: dict[str, Schema] = {"method": {"const": method.name}, "params": method.params}
    required = ["method", "params"] if any(each.is_required for each in method.parameters) else ["method"]
    if method.kind != "event":
        members = {"id": _reference(_ID_NAME), **members}
        required.insert(0, "id")
    return _message(method.name, summarise(method.description), members, required, is_correlated=method.kind != "event")


def _result_message(method: DescribedMethod) -> dict[str, Any]:
    # The items of a stream come before the reply.
    result: Schema = {"type": "null"} if method.kind == "stream" else method.result or {}
    members = {"id": _reference(_ID_NAME), "result": result}
    return _message(f"{method.name} result", "", members, ["id", "result"], is_correlated=True)


def _item_message(method: DescribedMethod) -> dict[str, Any]:
    params: Schema = {
        "type": "object",
        "properties": {
            "token": {
                "description": "The id of the call, or the `progressToken` of its parameters.",
                "type": ["string", "integer"],
            },
            "value": method.result or {},
        },
        "required": ["token", "value"],
    }
    members = {"method": {"const": "$/progress"}, "params": params}
    return _message(f"{method.name} item", "An item of the stream.", members, ["method", "params"])


def _event_message(event: DescribedMessage) -> dict[str, Any]:
    members = {"method": {"const": event.name}, "params": event.schema}
    return _message(event.name, summarise(event.description), members, ["method", "params"])


def _error_message() -> dict[str, Any]:
    members = {"id": {"anyOf": [_reference(_ID_NAME), {"type": "null"}]}, "error": _reference(_ERROR_NAME)}
    message = _message("error", "The answer to a call that failed.", members, ["id", "error"], is_correlated=True)
    return {**message, "description": _CODES}


def _own_error_message(method: DescribedMethod) -> dict[str, Any]:
    codes: Schema = {"properties": {"code": {"enum": [error.code for error in method.errors]}}}
    error: Schema = {"allOf": [_reference(_ERROR_NAME), codes]}
    members = {"id": _reference(_ID_NAME), "error": error}
    summary = "The answer to a call that failed with an error of the method's own."
    message = _message(f"{method.name} error", summary, members, ["id", "error"], is_correlated=True)
    return {**message, "description": list_errors(method.errors)}


def _cancel_message() -> dict[str, Any]:
    params: Schema = {"type": "object", "properties": {"id": _reference(_ID_NAME)}, "required": ["id"]}
    members = {"method": {"const": "$/cancelRequest"}, "params": params}
    summary = "Cancel the call with this id. It is still answered, usually with the error -32800."
    return _message("$/cancelRequest", summary, members, ["method", "params"])


def _message(
    name: str, summary: str, members: dict[str, Schema], required: list[str], *, is_correlated: bool = False
) -> dict[str, Any]:
    return {
        "name": name,
        **({"summary": summary} if summary else {}),
        **({"correlationId": _CORRELATION} if is_correlated else {}),
        "payload": {
            "type": "object",
            "properties": {"jsonrpc": {"const": "2.0"}, **members},
            "required": ["jsonrpc", *required],
        },
    }


def _reference(name: str) -> Schema:
    return {"$ref": REF_PREFIX + name}
