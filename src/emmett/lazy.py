"""Names of a package, and modules, that are imported when they are first used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from importlib import import_module
from typing import Any


def import_later(
    package: str, exported: Collection[str], **modules: str
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the functions `__getattr__` and `__dir__` (PEP 562) of a package.

    Arguments:
        package: the `__name__` of the package.
        exported: its `__all__`.
        modules: for each name to import later, the module that defines it: `Channels=".channels"`.
    """

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(modules[name], package), name)
        # The next use finds it without this function.
        setattr(sys.modules[package], name, value)
        return value

    return get, lambda: sorted(exported)


class LaterModule:
    """A module that is imported when one of its attributes is first used.

    Each attribute is kept here, so that later uses cost what they would cost on the module.

    Arguments:
        name: the name of the module; it may be relative to a package.
        package: the `__package__` of the module that uses it, for a relative name.
    """

    def __init__(self, name: str, package: str | None = None) -> None:
        self._name = name
        self._package = package

    def __getattr__(self, name: str) -> Any:
        value = getattr(import_module(self._name, self._package), name)
        setattr(self, name, value)
        return value
