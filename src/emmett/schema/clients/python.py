"""A client in Python, on `websockets` and `msgspec`."""

from __future__ import annotations

import ast
import builtins
import re
from importlib.resources import files

from ..description import DescribedCalls, DescribedMethod, DescribedPath, Description
from ..documents import described_call
from .naming import Identifiers, class_name
from .python_types import KEYWORDS, PythonTypes, docstring, literal
from .references import needed_schemas, schemas_of

_TEMPLATES = ("python_runtime.py", "python_connection.py")
# Names of the standard library and of msgspec that the types of the server may use.
_OF_TYPES = {"UUID": "uuid", "Decimal": "decimal", "Literal": "typing", "TypeAlias": "typing"}
_BUILT_IN = frozenset(dir(builtins))
_VARIABLE = re.compile(r"{(\w+)}")
_MEMBERS = ("connection", "events")


def render_python(description: Description) -> str:
    """Return the client of an application's calls as a module in Python.

    Arguments:
        description: the application.
    """
    runtime, imports = _read_templates()
    identifiers = Identifiers({*KEYWORDS, *_BUILT_IN, *_names_of(runtime, imports), *_OF_TYPES, "datetime"})
    others = [schema for calls in description.calls for schema in schemas_of(calls)]
    types = PythonTypes(needed_schemas(description), others, identifiers)
    clients = [_render_client(calls, types, identifiers) for calls in description.calls]
    body = [*types.declarations, *clients, runtime]
    about = description.about
    title = f"The client of {about.title} {about.version}, written by `emmett client python`. Do not edit."
    code = "\n\n\n".join(part.strip() for part in body)
    head = f"{docstring(title, '')}\n\n# fmt: off\n# ruff: noqa\n"
    return f"{head}\n{_render_imports(imports, code)}\n\n\n{code}\n"


def _render_client(calls: DescribedCalls, types: PythonTypes, identifiers: Identifiers) -> str:
    path = calls.paths[0]
    members = Identifiers({*KEYWORDS, *_MEMBERS})
    variables = "".join(f", {each.name}: {types.of(each.schema)}" for each in path.variables)
    events = ", ".join(f"{literal(message.name)}: {types.of(message.schema)}" for message in calls.emitted)
    lines = [
        f"class {identifiers.add(class_name(calls))}:",
        f'    """Call the functions of `{path.template}`.',
        "",
        "    Arguments:",
        "        base: the URL under which the application is served, such as wss://example.com.",
        "        options: see `ConnectionOptions`.",
        '    """',
        "",
        f"    def __init__(self, base: str{variables}, **options: Unpack[ConnectionOptions]) -> None:",
        f"        url = websocket_url(base, {_path_expression(path)})",
        f"        self.connection = CallsConnection(url, {{{events}}}, **options)",
        "",
        "    async def __aenter__(self) -> Self:",
        "        self.connection.open()",
        "        return self",
        "",
        "    async def __aexit__(self, *_: object) -> None:",
        "        await self.connection.close()",
    ]
    if calls.emitted:
        union = " | ".join(dict.fromkeys(types.of(message.schema) for message in calls.emitted))
        lines += [
            "",
            f"    def events(self) -> AsyncIterator[{union}]:",
            '        """Iterate over the events that the server sends."""',
            "        return self.connection.events()",
        ]
    for message in calls.emitted:
        name = members.add(f"on_{message.name}")
        lines += [
            "",
            f"    def {name}(self, handler: Callable[[{types.of(message.schema)}], object]) -> Callable[[], None]:",
            f'        """Call a function for each event `{message.name}`. Returns a function that stops this."""',
            f"        return self.connection.on({literal(message.name)}, handler)",
        ]
    for method in calls.methods:
        lines += ["", *_render_method(method, members.add(method.name), types)]
    return "\n".join(lines)


def _render_method(method: DescribedMethod, name: str, types: PythonTypes) -> list[str]:
    arguments = Identifiers({*KEYWORDS, "self", "result"})
    names = [arguments.add(each.name) for each in method.parameters]
    typed = [types.argument(each) for each in method.parameters]
    # Parameters with a default go to the end, as Python requires.
    ordered = sorted(zip(names, typed, strict=True), key=lambda each: " = " in each[1][0])
    signature = "".join(f", {argument}: {type_}" for argument, (type_, _) in ordered)
    members = ", ".join(
        f"{literal(each.name)}: {argument}" for each, argument in zip(method.parameters, names, strict=True)
    )
    can_be_unset = any(is_unset for _, is_unset in typed)
    if method.takes_object:
        params = f"{{}} if {names[0]} is UNSET else {names[0]}" if can_be_unset else names[0]
    else:
        params = f"without_unset({{{members}}})" if can_be_unset else f"{{{members}}}"
    description = described_call(method)
    text = [f"        {docstring(description, '        ')}"] if description else []
    result = types.of(method.result)
    target = f"{literal(method.name)}, {params}"
    if method.kind == "event":
        return [
            f"    async def {name}(self{signature}) -> None:",
            *text,
            f"        await self.connection.notify({target})",
        ]
    if method.kind == "stream":
        head = f"    def {name}(self{signature}) -> ItemStream[{result}]:"
        return [head, *text, f"        return ItemStream(self.connection, {target}, {result})"]
    head = f"    async def {name}(self{signature}) -> {result}:"
    if result == "None":
        return [head, *text, f"        await self.connection.call({target}, None)"]
    call = f"        result: {result} = await self.connection.call({target}, {result})"
    return [head, *text, call, "        return result"]


def _path_expression(path: DescribedPath) -> str:
    if not path.variables:
        return literal(path.template)
    by_name = {each.name: each for each in path.variables}

    def fill(found: re.Match[str]) -> str:
        if by_name[found[1]].schema.get("pattern") is None:
            return f"{{quote(str({found[1]}))}}"
        return f"{{path_segment({found[1]!r}, {found[1]})}}"

    template = _VARIABLE.sub(fill, path.template)
    return f'f"{template}"'


# The runtime.


def _read_templates() -> tuple[str, dict[str, set[str]]]:
    """Return the code of the runtime without its imports, and the imports: names by module."""
    bodies: list[str] = []
    imports: dict[str, set[str]] = {}
    for name in _TEMPLATES:
        source = files(__package__).joinpath(name).read_text("utf-8")
        nodes = ast.parse(source).body
        last = max(number for number, node in enumerate(nodes) if isinstance(node, ast.Import | ast.ImportFrom))
        for node in nodes[: last + 1]:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    imports.setdefault(alias.name, set())
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imports.setdefault(str(node.module), set()).update(alias.name for alias in node.names)
        bodies.append("\n".join(source.splitlines()[nodes[last].end_lineno or 0 :]).strip())
    return "\n\n\n".join(bodies), imports


def _names_of(runtime: str, imports: dict[str, set[str]]) -> set[str]:
    """Return the names that the runtime uses at module level."""
    found = {module.partition(".")[0] for module in imports}.union(*imports.values())
    for node in ast.parse(runtime).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found.update(ast.unparse(target) for target in node.targets)
    return found


def _render_imports(imports: dict[str, set[str]], code: str) -> str:
    """Return the imports that code needs, in the order of formatters."""
    wanted = {module: set(names) for module, names in imports.items()}
    if "datetime." in code:
        wanted["datetime"] = set()
    for name, module in _OF_TYPES.items():
        if re.search(rf"\b{name}\b", code):
            wanted.setdefault(module, set()).add(name)
    future = wanted.pop("__future__")
    third_party = {"msgspec", "websockets"}
    groups = [[f"from __future__ import {', '.join(sorted(future))}"]]
    for is_third in (False, True):
        modules = sorted(name for name in wanted if (name.partition(".")[0] in third_party) is is_third)
        # `msgspec` is imported both as a module and for its names.
        plain = [f"import {name}" for name in modules if not wanted[name] or name == "msgspec"]
        members = [
            f"from {name} import {', '.join(sorted(wanted[name], key=_sort_key))}" for name in modules if wanted[name]
        ]
        groups.append([*plain, *members])
    return "\n\n".join("\n".join(group) for group in groups)


def _sort_key(name: str) -> tuple[int, str]:
    """Return a key that sorts imported names as isort does: constants, classes, functions."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2), name.lower()
