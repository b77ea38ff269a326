"""The application that a command is for: the one that `-a` names, or the one in the current folder."""

from __future__ import annotations

import ast
import tokenize
from collections.abc import Iterable
from pathlib import Path

from .errors import CommandLineError, ImportFailed
from .targets import Application, Target, file_target, find_app, import_target, load, module_target, split_name

# In the order in which they are tried.
FILES = (
    "app.py",
    "main.py",
    "asgi.py",
    "wsgi.py",
    "application.py",
    "app/__init__.py",
    "app/app.py",
    "app/main.py",
)


class Selection:
    """The choice of an application, which is imported once, when it is first needed.

    Arguments:
        text: the value of `-a`; None to search the current folder.
        variable: the environment variable with the value; None if it was typed.
    """

    def __init__(self, text: str | None, variable: str | None = None) -> None:
        self.text = text
        self._variable = variable
        self._result: Application | CommandLineError | ImportFailed | None = None

    def load(self) -> Application:
        """Import the application.

        Raises:
            CommandLineError: there is no application, or there are several.
            ImportFailed: its import raised an error.
        """
        if self._result is None:
            self._result = self._find()
        if isinstance(self._result, Exception):
            raise self._result
        return self._result

    def _find(self) -> Application | CommandLineError | ImportFailed:
        here = Path.cwd()
        try:
            return discover(here) if self.text is None else find(self.text, here)
        except CommandLineError as error:
            if self._variable:
                error.message += f" ({self._variable} is {self.text!r})"
            return error
        except ImportFailed as error:
            return error


def find(text: str, here: Path) -> Application:
    """Import the application that `-a` names: a file, a folder to search, or a module; each optionally with `:name`.

    Arguments:
        text: the value of `-a`.
        here: the folder that paths are relative to.

    Raises:
        CommandLineError: it does not exist. The message says what to type instead.
        ImportFailed: its import raised an error.
    """
    location, name = split_name(text)
    path = here / location
    if path.is_dir() and not (path / "__init__.py").is_file():
        return discover(path, location, name)
    if path.is_dir() and _is_path(location):
        return load(file_target(path / "__init__.py", location, name))
    if _is_path(location):
        return load(file_target(path, location, name))
    return load(module_target(location, here, name))


def discover(folder: Path, origin: str = "", name: str | None = None) -> Application:
    """Import the application of a folder.

    A file that assigns `App(...)` at its top level is preferred; without one, the files are imported in order until one
    has an App.

    Arguments:
        folder: the folder to search.
        origin: the folder as the user typed it; empty for the current folder.
        name: the name of the App, if it was given.

    Raises:
        CommandLineError: there is none, or several.
        ImportFailed: its import raised an error.
    """
    usual = [file for file in (folder / each for each in FILES) if file.is_file()]
    targets = [_target(file, folder, origin, name) for file in usual]
    defining = [target for target in targets if target.file and defines_app(target.file)]
    if not defining:
        for target in targets:
            if name is not None or find_app(import_target(target), target.origin) is not None:
                return load(target)
        packages = [file for file in _package_files(folder) if file not in usual and defines_app(file)]
        defining = [_target(file, folder, origin, name) for file in packages]
    if len(defining) > 1:
        choices = ", ".join(f"-a {target.origin}" for target in defining)
        raise CommandLineError(f"there are several applications in {folder}", f"choose one of {choices}")
    if not defining:
        raise _nothing_found(folder, origin, usual)
    return load(defining[0])


def defines_app(file: Path) -> bool:
    """Return whether a file assigns `App(...)` to a name at its top level, without running the file."""
    try:
        with tokenize.open(file) as source:
            tree = ast.parse(source.read())
    except (OSError, SyntaxError, ValueError):
        return False
    values = (node.value for node in tree.body if isinstance(node, (ast.Assign, ast.AnnAssign)))
    return any(isinstance(value, ast.Call) and _is_app(value.func) for value in values)


def _is_app(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute):
        return function.attr == "App"
    return isinstance(function, ast.Name) and function.id == "App"


def _is_path(location: str) -> bool:
    return location.endswith(".py") or "/" in location or "\\" in location or location in (".", "..")


def _target(file: Path, folder: Path, origin: str, name: str | None) -> Target:
    return file_target(file, str(Path(origin) / file.relative_to(folder)), name)


def _package_files(folder: Path) -> Iterable[Path]:
    for package in sorted(path.parent for path in folder.glob("*/__init__.py")):
        yield package / "__init__.py"
        if (package / "app.py").is_file():
            yield package / "app.py"


def _nothing_found(folder: Path, origin: str, usual: list[Path]) -> CommandLineError:
    others = [file for file in sorted(folder.glob("*.py")) if file not in usual and defines_app(file)]
    if others:
        hint = "did you mean " + " or ".join(f"-a {Path(origin) / file.name}" for file in others) + "?"
    else:
        hint = "type -a with the file or the module that has it: -a path/to/app.py or -a package.module:name"
    if usual:
        names = ", ".join(str(Path(origin) / file.relative_to(folder)) for file in usual)
        return CommandLineError(f"no App in {names}", hint if others else f"write app = App(__name__), or {hint}")
    return CommandLineError(f"no application in {folder}: it has no app.py, main.py, … nor a package with an App", hint)
