"""Find the `App` that `-a` names: `app.py` or `package.module`, either with `:name`."""

from __future__ import annotations

import importlib
import os
import sys
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from .errors import CommandLineError, ImportFailed

if TYPE_CHECKING:
    from ..app import App

FACTORIES = ("create_app", "make_app", "get_app")


class Target(NamedTuple):
    """The location of an application.

    Fields:
        origin: the file or module as the user typed it.
        module: the module to import.
        folder: the folder that must be on `sys.path` for the import.
        file: the file of the module, if it is known before the import.
        name: the name of the App in the module, possibly dotted; None to search for it.
    """

    origin: str
    module: str
    folder: Path
    file: Path | None = None
    name: str | None = None


class Application(NamedTuple):
    """An imported application.

    Fields:
        app: the application.
        import_string: `module:name`, from which another process imports it.
        folder: the folder that must be on `sys.path` for the import.
    """

    app: App
    import_string: str
    folder: Path


def split_name(text: str) -> tuple[str, str | None]:
    """Split `app.py:name` or `package.module:name`, but not at a colon that belongs to a path (`C:\\app.py`)."""
    location, colon, name = text.rpartition(":")
    if colon and not name:
        raise CommandLineError(f"-a {text}: nothing follows the colon", f"type -a {location}, or -a {location}:app")
    if colon and all(part.isidentifier() for part in name.split(".")):
        return location, name
    return text, None


def file_target(file: Path, origin: str, name: str | None = None) -> Target:
    """Return the target of a Python file.

    The module has the name of the file; in a package, the dotted name relative to the first folder outside of packages.

    Arguments:
        file: the file, which may be missing.
        origin: the file as the user typed it.
        name: the name of the App in it, if it was given.

    Raises:
        CommandLineError: there is no such file, or its name cannot be the name of a module.
    """
    if not file.is_file():
        raise CommandLineError(f"there is no file {origin}", _similar_files(file, origin))
    if file.suffix != ".py":
        raise CommandLineError(f"{origin} is not a Python file", "type -a with a .py file or a module: -a app.py")
    path = file.resolve()
    parts = [] if path.stem == "__init__" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    for part in parts:
        if not part.isidentifier():
            raise CommandLineError(
                f"{origin} cannot be imported: {part!r} is not a name that a Python module can have",
                f"rename it, for example to {_as_identifier(part)}",
            )
    return Target(origin, ".".join(parts), folder, path, name)


def module_target(module: str, folder: Path, name: str | None = None) -> Target:
    """Return the target of a dotted module name.

    Raises:
        CommandLineError: it is not a dotted name.
    """
    if not all(part.isidentifier() for part in module.split(".")):
        raise CommandLineError(
            f"-a {module!r} is neither a file nor the name of a module", "type -a app.py or -a package.module:name"
        )
    return Target(module, module, folder, None, name)


def load(target: Target) -> Application:
    """Import an application.

    Raises:
        CommandLineError: there is no such module, or it has no App or several.
        ImportFailed: the module raised an error.
    """
    module = import_target(target)
    name = target.name or find_app(module, target.origin)
    if name is None:
        raise CommandLineError(f"{target.origin} has no App in it", _missing_app_hint(module, target.origin))
    return Application(_named_app(module, name, target.origin), f"{target.module}:{name}", target.folder)


def import_target(target: Target) -> ModuleType:
    """Import the module of a target, and put its folder on the path of this process and of its child processes.

    Raises:
        CommandLineError: there is no such module, another module has its name, or it ended the process.
        ImportFailed: it raised an error.
    """
    _put_on_path(target.folder)
    try:
        module = importlib.import_module(target.module)
    except SystemExit as exit_request:
        raise CommandLineError(
            f"{target.origin} ended the process while it was imported: sys.exit({exit_request.code!r})",
            'move the code that runs it as a script below: if __name__ == "__main__":',
        ) from None
    except Exception as error:
        if target.file is None and isinstance(error, ModuleNotFoundError) and _is_missing(error, target.module):
            raise CommandLineError(
                f"there is no module {error.name} on the path, nor in {target.folder}",
                "type the file instead: -a path/to/app.py",
            ) from None
        raise ImportFailed(target.origin, error) from error
    _check_same_file(module, target)
    return module


def find_app(module: ModuleType, origin: str) -> str | None:
    """Return the name of the App in a module; `app` is preferred.

    Returns:
        The name; None if there is no App.

    Raises:
        CommandLineError: there are several, and none is called `app`.
    """
    names: dict[int, str] = {}
    for name, value in vars(module).items():
        if _is_app(value):
            if name == "app":
                return name
            names.setdefault(id(value), name)
    if len(names) > 1:
        choices = ", ".join(f"-a {origin}:{name}" for name in names.values())
        raise CommandLineError(f"{origin} has several applications", f"choose one of {choices}")
    return next(iter(names.values()), None)


def _is_app(value: object) -> TypeGuard[App]:
    # Imported here: `emmett serve` postpones the collections of the interpreter before it loads this.
    from ..app import App

    return isinstance(value, App)


def _named_app(module: ModuleType, name: str, origin: str) -> App:
    apps = [each for each, value in vars(module).items() if _is_app(value)]
    hint = "in it: " + ", ".join(f"-a {origin}:{each}" for each in apps) if apps else _missing_app_hint(module, origin)
    try:
        value = attrgetter(name)(module)
    except AttributeError:
        raise CommandLineError(f"{origin} has no {name!r} in it", hint) from None
    if not _is_app(value):
        raise CommandLineError(f"{name!r} in {origin} is not an App but {_described(value)}", hint)
    return value


def _missing_app_hint(module: ModuleType, origin: str) -> str:
    factory = next((name for name in FACTORIES if callable(getattr(module, name, None))), None)
    if factory:
        return f"{factory} is a function: write app = {factory}() into {origin}"
    return f"write app = App(__name__) into {origin}, or type -a with the file that has it"


def _described(value: object) -> str:
    return f"the function {value.__qualname__}" if hasattr(value, "__qualname__") else f"of type {type(value).__name__}"


def _put_on_path(folder: Path) -> None:
    entry = str(folder)
    if entry not in sys.path[:1]:
        sys.path.insert(0, entry)
    inherited = os.environ.get("PYTHONPATH", "")
    if entry not in inherited.split(os.pathsep)[:1]:
        os.environ["PYTHONPATH"] = os.pathsep.join([entry, inherited]) if inherited else entry


def _is_missing(error: ModuleNotFoundError, module: str) -> bool:
    return error.name is not None and f"{module}.".startswith(f"{error.name}.")


def _check_same_file(module: ModuleType, target: Target) -> None:
    found = getattr(module, "__file__", None)
    if target.file is not None and (found is None or not Path(found).samefile(target.file)):
        raise CommandLineError(
            f"{target.origin} cannot be imported: another module is called {target.module} too ({found or 'built in'})",
            "rename the file",
        )


def _similar_files(file: Path, origin: str) -> str:
    if file.with_suffix(".py").is_file():
        return f"did you mean -a {origin}.py?" if not file.suffix else f"did you mean -a {file.with_suffix('.py')}?"
    names = sorted(path.name for path in file.parent.glob("*.py")) if file.parent.is_dir() else []
    from difflib import get_close_matches

    close = get_close_matches(file.name, names, n=1)
    if close:
        return f"did you mean -a {Path(origin).with_name(close[0])}?"
    return "type the path of the file from here: -a path/to/app.py"


def _as_identifier(name: str) -> str:
    cleaned = "".join(character if f"_{character}".isidentifier() else "_" for character in name)
    return cleaned if cleaned.isidentifier() else f"_{cleaned}"
