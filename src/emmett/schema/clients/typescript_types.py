"""TypeScript types for JSON Schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..description import DescribedParameter, Schema
from .naming import Identifiers
from .references import referred_name

# Names that the rest of the file uses: a type of the server with such a name is renamed.
# fmt: off
RESERVED = frozenset({
    "AbortSignal", "Array", "AsyncIterable", "Boolean", "CallFailed", "CallOptions", "CallTimeout", "CallsConnection",
    "ConnectionLost", "ConnectionOptions", "ConnectionState", "Date", "Error", "Events", "Function", "Item",
    "ItemStream", "IteratorResult", "JSON", "Map", "Math", "Message", "Name", "Number", "Object", "Params", "Partial",
    "Pending", "Pick", "Promise", "Query", "QueueFull", "Readonly", "ReadonlySet", "Record", "Result", "ReturnType",
    "Set", "Socket", "SocketClass", "String", "Symbol", "URL", "WebSocket", "any", "as", "async", "await", "bigint",
    "boolean", "break", "case", "catch", "class", "clearTimeout", "const", "continue", "debugger", "default", "delete",
    "do", "else", "encodePath", "encodeSegment", "encodeURIComponent", "enum", "export", "extends", "false", "finally",
    "for", "function", "globalThis", "if", "implements", "import", "in", "instanceof", "interface", "isFinal", "let",
    "never", "new", "null", "number", "object", "package", "page", "pauseAfter", "private", "protected", "public",
    "readonly", "return", "setTimeout", "static", "string", "super", "switch", "symbol", "this", "throw", "true", "try",
    "type", "typeof", "undefined", "unknown", "var", "void", "websocketUrl", "while", "with", "yield",
})
# Further names that the wrappers around the SDK use.
RESERVED_OF_SDK = RESERVED | {
    *("Centrifuge", "MAX_ITEMS", "SDKConnection", "StreamPlace", "StreamPublication", "StreamReading"),
    *("Subscription", "SubscriptionOptions", "console", "failure"),
}
# fmt: on

_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


class TypeScriptTypes:
    """The types of one file.

    Arguments:
        schemas: the named schemas that it declares.
        identifiers: the identifiers of the file.
    """

    def __init__(self, schemas: Mapping[str, Schema], identifiers: Identifiers) -> None:
        self._schemas = schemas
        self._names = {name: identifiers.add(name) for name in schemas}

    def declarations(self) -> list[str]:
        """Return the declaration of each named schema."""
        return [self._declare(self._names[name], schema) for name, schema in self._schemas.items()]

    def of(self, schema: Schema | None) -> str:
        """Return the type of a schema; `undefined` has none."""
        return "unknown" if schema is None else " | ".join(dict.fromkeys(self._members(schema)))

    def object_of(self, parameters: Iterable[DescribedParameter]) -> str:
        """Return the type of an object with these members."""
        members = [self._member(each.name, each.schema, each.is_required) for each in parameters]
        return f"{{ {'; '.join(members)} }}"

    def _declare(self, name: str, schema: Schema) -> str:
        text = comment(schema.get("description", ""))
        properties = schema.get("properties")
        if schema.get("type") != "object" or not properties:
            return f"{text}export type {name} = {self.of(schema)};"
        lines = [f"{text}export interface {name} {{"]
        required = schema.get("required", [])
        for key, value in properties.items():
            lines.append(
                comment(value.get("description", ""), "  ") + f"  {self._member(key, value, key in required)};"
            )
        return "\n".join([*lines, "}"])

    def _member(self, name: str, schema: Schema, is_required: bool) -> str:
        key = name if _IDENTIFIER.fullmatch(name) else json.dumps(name)
        return f"{key}{'' if is_required else '?'}: {self.of(schema)}"

    def _members(self, schema: Schema) -> list[str]:
        """Return the members of a schema as a union; mostly there is only one."""
        name = referred_name(schema)
        if name is not None:
            return [self._names[name]]
        if "const" in schema:
            return [_literal(schema["const"])]
        if "enum" in schema:
            return [_literal(value) for value in schema["enum"]]
        for union in ("anyOf", "oneOf"):
            if union in schema:
                return [each for member in schema[union] for each in self._members(member)]
        if "allOf" in schema:
            return [" & ".join(_grouped(self.of(member)) for member in schema["allOf"])]
        kinds = schema.get("type", [])
        return [self._of_kind(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds)] or ["unknown"]

    def _of_kind(self, kind: str, schema: Schema) -> str:
        if kind == "array":
            return self._array(schema)
        if kind == "object":
            return self._object(schema)
        return _PLAIN[kind]

    def _array(self, schema: Schema) -> str:
        items: Any = schema.get("items", {})
        if "prefixItems" in schema:
            first = [self.of(each) for each in schema["prefixItems"]]
            is_closed = items is False or schema.get("maxItems") == len(first)
            rest = [] if is_closed else [f"...{_grouped(self.of(items if items is not True else {}))}[]"]
            return f"[{', '.join([*first, *rest])}]"
        return f"{_grouped(self.of(items if isinstance(items, dict) else {}))}[]"

    def _object(self, schema: Schema) -> str:
        required = schema.get("required", [])
        properties = schema.get("properties", {})
        members = [self._member(name, each, name in required) for name, each in properties.items()]
        if members:
            return f"{{ {'; '.join(members)} }}"
        values = schema.get("additionalProperties", {})
        return f"Record<string, {self.of(values if isinstance(values, dict) else {})}>"


def comment(text: str, indent: str = "") -> str:
    """Return a text as a comment with a line break; empty without text."""
    lines = text.strip().replace("*/", "*\\/").splitlines()
    if not lines:
        return ""
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    body = "\n".join(f"{indent} * {line}".rstrip() for line in lines)
    return f"{indent}/**\n{body}\n{indent} */\n"


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _grouped(type_: str) -> str:
    return f"({type_})" if " | " in type_ or " & " in type_ else type_
