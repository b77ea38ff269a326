"""Python types for JSON Schemas, which msgspec can decode."""

from __future__ import annotations

import json
import keyword
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ..description import DescribedParameter, Schema
from ..json_schemas import names_in
from .naming import Identifiers
from .references import referred_name

_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_FORMATS = {
    "date": "datetime.date",
    "date-time": "datetime.datetime",
    "decimal": "Decimal",
    "duration": "datetime.timedelta",
    "time": "datetime.time",
    "uuid": "UUID",
}
# msgspec distinguishes the members of a union by the kind of JSON value. It allows one of each kind, and several
# objects if they are tagged.
_TEXT = frozenset({"str", "bytes", *_FORMATS.values()})
KEYWORDS = frozenset(keyword.kwlist)


class Tag(NamedTuple):
    """The tag that distinguishes a struct from the others in a union.

    Fields:
        field: the member with the tag.
        value: the tag.
    """

    field: str
    value: str


class PythonTypes:
    """The types of one file.

    Arguments:
        schemas: the named schemas that it declares.
        others: the other schemas for which it has types.
        identifiers: the identifiers of the file.

    Attributes:
        declarations: the declaration of each named schema.
    """

    def __init__(
        self, schemas: Mapping[str, Schema], others: Iterable[Schema | None], identifiers: Identifiers
    ) -> None:
        self._schemas = schemas
        self._names = {name: identifiers.add(name) for name in schemas}
        self._tags = dict(_find_tags([*schemas.values(), *others], schemas))
        # Aliases are evaluated where they are declared, so each must come after the names that it uses.
        self._undeclared = {name for name, schema in schemas.items() if not _is_struct(schema)}
        aliases = [line for name in schemas for line in self._declare_alias(name, ())]
        structs = [self._declare_struct(name) for name, schema in schemas.items() if _is_struct(schema)]
        self.declarations = [*structs, *aliases]

    def of(self, schema: Schema | None) -> str:
        """Return the type of a schema, as an expression."""
        if schema is None:
            return "Any"
        members = list(dict.fromkeys(self._members(schema)))
        return " | ".join(members) if self._can_be_told_apart(schema, members) else "Any"

    def argument(self, parameter: DescribedParameter) -> tuple[str, bool]:
        """Return the type of a parameter with its default, and whether it may be omitted from the message."""
        type_ = self.of(parameter.schema)
        if parameter.is_required:
            return type_, False
        if self._has_default(parameter.schema):
            return f"{type_} = {literal(parameter.schema['default'])}", False
        return f"{_or_unset(type_)} = UNSET", True

    # Declarations.

    def _declare_struct(self, name: str) -> str:
        schema = self._schemas[name]
        tag = self._tags.get(name)
        options = "" if tag is None else f", tag_field={literal(tag.field)}, tag={literal(tag.value)}"
        lines = [f"class {self._names[name]}(msgspec.Struct, kw_only=True{options}):"]
        if schema.get("description"):
            lines += [f"    {docstring(schema['description'], '    ')}", ""]
        fields = Identifiers(KEYWORDS)
        required = schema.get("required", [])
        properties: dict[str, Schema] = schema["properties"]
        for key, value in properties.items():
            if tag is None or key != tag.field:
                lines.append(f"    {self._field(key, fields.add(key), value, key in required)}")
        if len(lines) == 1:
            lines.append("    pass")
        return "\n".join(lines).rstrip()

    def _field(self, key: str, name: str, schema: Schema, is_required: bool) -> str:
        type_ = self.of(schema)
        default = None
        constant = schema.get("const", schema["enum"][0] if len(schema.get("enum", ())) == 1 else ...)
        if is_required:
            default = literal(constant) if _is_plain(constant) else None
        elif self._has_default(schema):
            default = literal(schema["default"])
        else:
            type_, default = _or_unset(type_), "UNSET"
        if key != name:
            value = f"name={literal(key)}" if default is None else f"default={default}, name={literal(key)}"
            return f"{name}: {type_} = msgspec.field({value})"
        return f"{name}: {type_}" if default is None else f"{name}: {type_} = {default}"

    def _declare_alias(self, name: str, above: tuple[str, ...]) -> Iterator[str]:
        """Yield the declaration of a name that is not a struct, after those of the names that it uses."""
        if name not in self._undeclared or name in above:
            return
        for inner in names_in(self._schemas[name]):
            yield from self._declare_alias(inner, (*above, name))
        type_ = self.of(self._schemas[name])
        self._undeclared.discard(name)
        yield f"{self._names[name]}: TypeAlias = {type_}"

    def _has_default(self, schema: Schema) -> bool:
        """Return whether a schema has a default of its own type: the default of a date is only text in JSON."""
        return _is_plain(schema.get("default", ...)) and self._accepts(schema, schema["default"])

    def _accepts(self, schema: Schema, value: Any) -> bool:
        name = referred_name(schema)
        if name is not None:
            return self._accepts(self._schemas[name], value)
        if "enum" in schema or "const" in schema:
            return value in schema.get("enum", [schema.get("const")])
        if "anyOf" in schema:
            return any(self._accepts(member, value) for member in schema["anyOf"])
        kinds = [kinds] if isinstance(kinds := schema.get("type", []), str) else kinds
        found = {"str": "string", "int": "integer", "bool": "boolean", "float": "number", "NoneType": "null"}
        kind = found[type(value).__name__]
        is_text = "format" not in schema and "contentEncoding" not in schema
        return (kind in kinds and (kind != "string" or is_text)) or (kind == "integer" and "number" in kinds)

    # Types.

    def _members(self, schema: Schema) -> list[str]:
        name = referred_name(schema)
        if name is not None:
            # An alias cannot express a type that refers to itself without an object in between.
            return ["Any" if name in self._undeclared else self._names[name]]
        if "const" in schema:
            return [_literal([schema["const"]])]
        if "enum" in schema:
            return [_literal(schema["enum"])]
        for union in ("anyOf", "oneOf"):
            if union in schema:
                return [each for member in schema[union] for each in self._members(member)]
        if len(schema.get("allOf", ())) == 1:
            return self._members(schema["allOf"][0])
        kinds = schema.get("type", [])
        return [self._of_kind(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds)] or ["Any"]

    def _of_kind(self, kind: str, schema: Schema) -> str:
        if kind == "array":
            return self._array(schema)
        if kind == "object":
            values = schema.get("additionalProperties", {})
            return f"dict[str, {self.of(values if isinstance(values, dict) else {})}]"
        if kind == "string":
            return (
                "bytes" if schema.get("contentEncoding") == "base64" else _FORMATS.get(schema.get("format", ""), "str")
            )
        return _PLAIN[kind]

    def _array(self, schema: Schema) -> str:
        items: Any = schema.get("items", {})
        if "prefixItems" in schema and (items is False or schema.get("maxItems") == len(schema["prefixItems"])):
            return f"tuple[{', '.join(self.of(each) for each in schema['prefixItems'])}]"
        return f"list[{self.of(items if isinstance(items, dict) and 'prefixItems' not in schema else {})}]"

    def _can_be_told_apart(self, schema: Schema, members: list[str]) -> bool:
        if len(members) == 1:
            return True
        if "Any" in members:
            return False
        kinds = [kind for member in members for kind in self._kinds(member)]
        return len(kinds) == len(set(kinds))

    def _kinds(self, member: str) -> set[str]:
        """Return the kinds of JSON values that a type allows."""
        name = next((name for name, identifier in self._names.items() if identifier == member), None)
        if name is not None and _is_struct(self._schemas[name]):
            return {f"object {self._tags[name]}" if name in self._tags else "object"}
        if name is not None:
            inner = self._members(self._schemas[name])
            return {kind for each in inner for kind in self._kinds(each)}
        if member.startswith("Literal"):
            return {"text" if '"' in member or "'" in member else "number"}
        kind = member.partition("[")[0]
        if kind in _TEXT:
            return {"text"}
        return {{"list": "array", "tuple": "array", "dict": "object"}.get(kind, kind)}


def docstring(text: str, indent: str) -> str:
    """Return a text as a docstring, without the indentation of its first line."""
    text = text.strip().replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if text.endswith('"'):
        text = f'{text[:-1]}\\"'
    lines = text.splitlines()
    end = "" if len(lines) == 1 else f"\n{indent}"
    return '"""' + "\n".join([lines[0], *(f"{indent}{line}".rstrip() for line in lines[1:])]) + f'{end}"""'


def _find_tags(parts: Iterable[Any], schemas: Collection[str]) -> Iterator[tuple[str, Tag]]:
    """Yield the names of schemas that a union distinguishes by the value of a member."""
    waiting = list(parts)
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            discriminator = part.get("discriminator")
            if isinstance(discriminator, dict):
                for tag, target in discriminator.get("mapping", {}).items():
                    name = referred_name({"$ref": target})
                    if name is not None and name in schemas:
                        yield name, Tag(discriminator["propertyName"], tag)
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def _is_struct(schema: Schema) -> bool:
    return schema.get("type") == "object" and bool(schema.get("properties"))


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float))


def literal(value: Any) -> str:
    """Return a plain value as an expression, with text in double quotes."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _literal(values: list[Any]) -> str:
    return f"Literal[{', '.join(literal(value) for value in values)}]"


def _or_unset(type_: str) -> str:
    return "Any" if type_ == "Any" else f"{type_} | UnsetType"
