"""Clients in TypeScript: one without dependencies, and one on the SDK of the Centrifuge protocol."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib.resources import files
from typing import NamedTuple

from ..description import DescribedCalls, DescribedMethod, DescribedPath, Description
from ..documents import described_call
from .naming import Identifiers, class_name
from .references import needed_schemas
from .typescript_types import RESERVED, RESERVED_OF_SDK, TypeScriptTypes, comment

_VARIABLE = re.compile(r"{(\w+)}")
# Members of a client that methods must not replace; `then` would make it a promise.
_MEMBERS = ("close", "connection", "constructor", "on", "then")


class _Kind(NamedTuple):
    """The parts that differ between the kinds of clients.

    Fields:
        command: the command that writes it.
        imports: its imports.
        parts: the files with its code.
        reserved: the names that this code uses.
        connection: the class of its connection.
        constructor: returns the lines of the constructor.
        more: the lines of further members.
        closing: the description of `close`.
        options: the last parameter of a call.
        notified: the type that sending an event returns.
        members: the names that methods must not have.
    """

    command: str
    imports: str
    parts: tuple[str, ...]
    reserved: frozenset[str]
    connection: str
    constructor: Callable[[DescribedPath, TypeScriptTypes], list[str]]
    more: tuple[str, ...]
    closing: str
    options: str
    notified: str
    members: tuple[str, ...]


def render_typescript(description: Description) -> str:
    """Return the client of an application's calls as a module in TypeScript.

    Arguments:
        description: the application.
    """
    return _render(description, _OWN)


def render_centrifuge(description: Description) -> str:
    """Return typed wrappers around npm `centrifuge` for an application's calls, as a module in TypeScript.

    Arguments:
        description: the application, with the calls that an endpoint for SDKs serves.
    """
    return _render(description, _SDK)


def _render(description: Description, kind: _Kind) -> str:
    identifiers = Identifiers(kind.reserved)
    types = TypeScriptTypes(needed_schemas(description), identifiers)
    about = description.about
    parts = [
        f"// The client of {about.title} {about.version}, written by `{kind.command}`. Do not edit.\n"
        f"/* eslint-disable */{kind.imports}",
        *types.declarations(),
    ]
    for calls in description.calls:
        parts.append(_render_client(calls, types, identifiers, kind))
    folder = files(__package__)
    parts += [folder.joinpath(name).read_text("utf-8").strip() for name in kind.parts]
    return "\n\n".join(parts) + "\n"


def _render_client(calls: DescribedCalls, types: TypeScriptTypes, identifiers: Identifiers, kind: _Kind) -> str:
    name = identifiers.add(class_name(calls))
    events = identifiers.add(f"{name}Events")
    template = calls.paths[0].template
    members = Identifiers(kind.members)
    lines = [f"/** The events that the server sends at `{template}`. */", f"export interface {events} {{"]
    for message in calls.emitted:
        lines.append(comment(message.description, "  ") + f"  {json.dumps(message.name)}: {types.of(message.schema)};")
    lines += ["}", ""]
    lines += [
        f"/** Calls the functions of `{template}`. */",
        f"export class {name} {{",
        f"  readonly connection: {kind.connection}<{events}>;",
        "",
        *kind.constructor(calls.paths[0], types),
        "",
        "  /** Call a function for each event with a name. Returns a function that stops this. */",
        f"  on<Name extends keyof {events}>(name: Name, handler: (event: {events}[Name]) => void): () => void {{",
        "    return this.connection.on(name, handler);",
        "  }",
        "",
        *kind.more,
        f"  /** {kind.closing} */",
        "  close(): void {",
        "    this.connection.close();",
        "  }",
    ]
    for method in calls.methods:
        lines += ["", _render_method(method, members.add(method.name), types, kind)]
    return "\n".join([*lines, "}"])


def _render_method(method: DescribedMethod, name: str, types: TypeScriptTypes, kind: _Kind) -> str:
    parameters: list[str] = []
    argument = "params"
    if method.takes_object:
        parameters.append(f"params{'' if method.parameters[0].is_required else '?'}: {types.of(method.params)}")
    elif method.parameters:
        is_needed = any(each.is_required for each in method.parameters)
        parameters.append(f"params: {types.object_of(method.parameters)}{'' if is_needed else ' = {}'}")
    else:
        argument = "{}"
    target = f"{json.dumps(method.name)}, {argument}"
    if method.kind == "event":
        result, call = kind.notified, f"notify({target})"
    else:
        if kind.options:
            parameters.append(kind.options)
            target += ", options"
        type_, function = ("ItemStream", "stream") if method.kind == "stream" else ("Promise", "call")
        result, call = f"{type_}<{types.of(method.result)}>", f"{function}({target})"
    return (
        comment(described_call(method), "  ")
        + f"  {name}({', '.join(parameters)}): {result} {{\n    return this.connection.{call};\n  }}"
    )


def _path_expression(path: DescribedPath) -> str:
    if not path.variables:
        return json.dumps(path.template)
    by_name = {each.name: each for each in path.variables}

    def fill(found: re.Match[str]) -> str:
        is_path = by_name[found[1]].schema.get("pattern") is None
        value = f"String(variables.{found[1]})"
        return f"${{encodePath({value})}}" if is_path else f"${{encodeSegment({json.dumps(found[1])}, {value})}}"

    return f"`{_VARIABLE.sub(fill, path.template)}`"


def _own_constructor(path: DescribedPath, types: TypeScriptTypes) -> list[str]:
    variables = f"variables: {types.object_of(path.variables)}, " if path.variables else ""
    return [
        "  /**",
        "   * Connect, and come back when the connection is lost.",
        "   *",
        "   * @param base the URL under which the application is served, such as `location.origin`",
        "   */",
        f"  constructor(base: string | URL, {variables}options: ConnectionOptions = {{}}) {{",
        f"    this.connection = new CallsConnection(websocketUrl(base, {_path_expression(path)}), options);",
        "  }",
    ]


def _sdk_constructor(path: DescribedPath, types: TypeScriptTypes) -> list[str]:
    return [
        "  /** Use a client of the SDK, whose options and connection stay yours. */",
        "  constructor(centrifuge: Centrifuge) {",
        "    this.connection = new SDKConnection(centrifuge);",
        "  }",
    ]


_OWN = _Kind(
    command="emmett client typescript",
    imports="",
    parts=("runtime.ts", "items.ts", "connection.ts"),
    reserved=RESERVED,
    connection="CallsConnection",
    constructor=_own_constructor,
    more=(),
    closing="Close the connection for good. Calls that wait are rejected.",
    options="options?: CallOptions",
    notified="boolean",
    members=_MEMBERS,
)
_SDK = _Kind(
    command="emmett client typescript --sdk centrifuge",
    imports='\nimport type { Centrifuge, Subscription, SubscriptionOptions } from "centrifuge";',
    parts=("items.ts", "centrifuge.ts"),
    reserved=RESERVED_OF_SDK,
    connection="SDKConnection",
    constructor=_sdk_constructor,
    more=(
        "  /** Subscribe to a channel: the functions of `on` get what the server sends to it. */",
        "  channel(name: string, options?: SubscriptionOptions): Subscription {",
        "    return this.connection.channel(name, options);",
        "  }",
        "",
    ),
    closing="Take no more events. The client of the SDK stays connected.",
    options="",
    notified="Promise<void>",
    members=(*_MEMBERS, "channel"),
)
