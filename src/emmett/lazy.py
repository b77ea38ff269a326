"""Names of a package that are imported when they are first used."""

from __future__ import annotations

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
        return getattr(import_module(modules[name], package), name)

    return get, lambda: sorted(exported)
