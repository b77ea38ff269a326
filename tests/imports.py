"""Find the imports of each module of emmett in its source, without running it."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src"


def module_name(path: Path, source: Path = SOURCE) -> str:
    """Return the dotted name of a source file; a package's `__init__.py` bears the package's own."""
    parts = path.relative_to(source).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def source_files() -> dict[str, Path]:
    """Return every module of emmett: its dotted name and its file."""
    return {module_name(path): path for path in sorted((SOURCE / "emmett").rglob("*.py"))}


def imported_modules(text: str, module: str, *, is_package: bool, modules: Collection[str]) -> Iterator[str]:
    """Return the full names that a module imports: at its top, inside its functions, and under TYPE_CHECKING.

    An import for types only counts like any other: it binds two modules together just as well.

    Arguments:
        text: the source of the module.
        module: its dotted name, from which relative imports start.
        is_package: true for an `__init__.py`.
        modules: every module there is; `from package import name` means `package.name` when that is one of them.
    """
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(node, module.split("."), is_package)
            for alias in node.names:
                name = f"{origin}.{alias.name}"
                yield name if name in modules or origin.partition(".")[0] != "emmett" else origin


def _origin(node: ast.ImportFrom, package: list[str], is_package: bool) -> str:
    """Return the full name after `from`."""
    if not node.level:
        return node.module or ""
    start = package[: len(package) + is_package - node.level]
    return ".".join([*start, *(node.module.split(".") if node.module else [])])


@cache
def import_graph() -> dict[str, set[str]]:
    """Return the imports of every module of emmett, from emmett and from elsewhere."""
    files = source_files()
    return {
        name: set(imported_modules(path.read_text("utf-8"), name, is_package=path.name == "__init__.py", modules=files))
        for name, path in files.items()
    }
