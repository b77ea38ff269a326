"""A client in TypeScript, without dependencies."""

from __future__ import annotations

import json
import re
from importlib.resources import files

from ..description import DescribedCalls, DescribedMethod, DescribedPath, Description
from .naming import Identifiers, class_name
from .references import needed_schemas
from .typescript_types import RESERVED, TypeScriptTypes, comment

_VARIABLE = re.compile(r"{(\w+)}")
# Members of a client that no method may replace; `then` would make it a promise.
_MEMBERS = ("close", "connection", "constructor", "on", "then")


def render_typescript(description: Description) -> str:
    """Return the client of an application's calls as a module in TypeScript.

    Arguments:
        description: the application.
    """
    identifiers = Identifiers(RESERVED)
    types = TypeScriptTypes(needed_schemas(description), identifiers)
    about = description.about
    parts = [
        f"// The client of {about.title} {about.version}, written by `emmett client typescript`. Do not edit.\n"
        "/* eslint-disable */",
        *types.declarations(),
    ]
    for calls in description.calls:
        parts.append(_render_client(calls, types, identifiers))
    folder = files(__package__)
    parts += [folder.joinpath(name).read_text("utf-8").strip() for name in ("runtime.ts", "connection.ts")]
    return "\n\n".join(parts) + "\n"


def _render_client(calls: DescribedCalls, types: TypeScriptTypes, identifiers: Identifiers) -> str:
    name = identifiers.add(class_name(calls))
    events = identifiers.add(f"{name}Events")
    path = calls.paths[0]
    members = Identifiers(_MEMBERS)
    variables = f"variables: {types.object_of(path.variables)}, " if path.variables else ""
    lines = [f"/** What the server sends on its own at `{path.template}`. */", f"export interface {events} {{"]
    for message in calls.emitted:
        lines.append(comment(message.description, "  ") + f"  {json.dumps(message.name)}: {types.of(message.schema)};")
    lines += ["}", ""]
    lines += [
        f"/** Calls the functions of `{path.template}`. */",
        f"export class {name} {{",
        f"  readonly connection: CallsConnection<{events}>;",
        "",
        "  /**",
        "   * Connect, and come back when the connection is lost.",
        "   *",
        "   * @param base the URL under which the application is served, such as `location.origin`",
        "   */",
        f"  constructor(base: string | URL, {variables}options: ConnectionOptions = {{}}) {{",
        f"    this.connection = new CallsConnection(websocketUrl(base, {_path_expression(path)}), options);",
        "  }",
        "",
        "  /** Let a function get the events of a name. Returns a function that ends this. */",
        f"  on<Name extends keyof {events}>(name: Name, handler: (event: {events}[Name]) => void): () => void {{",
        "    return this.connection.on(name, handler);",
        "  }",
        "",
        "  /** Close the connection for good. Calls that wait are rejected. */",
        "  close(): void {",
        "    this.connection.close();",
        "  }",
    ]
    for method in calls.methods:
        lines += ["", _render_method(method, members.add(method.name), types)]
    return "\n".join([*lines, "}"])


def _render_method(method: DescribedMethod, name: str, types: TypeScriptTypes) -> str:
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
        result, call = "boolean", f"notify({target})"
    else:
        parameters.append("options?: CallOptions")
        kind, function = ("ItemStream", "stream") if method.kind == "stream" else ("Promise", "call")
        result, call = f"{kind}<{types.of(method.result)}>", f"{function}({target}, options)"
    return (
        comment(method.description, "  ")
        + f"  {name}({', '.join(parameters)}): {result} {{\n    return this.connection.{call};\n  }}"
    )


def _path_expression(path: DescribedPath) -> str:
    if not path.variables:
        return json.dumps(path.template)
    by_name = {each.name: each for each in path.variables}

    def fill(found: re.Match[str]) -> str:
        is_path = by_name[found[1]].schema.get("pattern") is None
        return f"${{{'encodePath' if is_path else 'encodeURIComponent'}(String(variables.{found[1]}))}}"

    return f"`{_VARIABLE.sub(fill, path.template)}`"
