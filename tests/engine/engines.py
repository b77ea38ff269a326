"""The frame reader of each available engine, for differential tests."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import Any

import pytest

import emmett.engine
import emmett.engine.python
import emmett.wire.frames

HAS_NATIVE = importlib.util.find_spec("emmett._native") is not None
needs_native = pytest.mark.skipif(not HAS_NATIVE, reason="the native engine is not built")


def engine(name: str) -> ModuleType:
    """Return the module of an engine."""
    return emmett.engine.python if name == "python" else importlib.import_module("emmett._native")


def load_with(name: str, module: ModuleType) -> Any:
    """Return a copy of a module of emmett whose classes have the base types of an engine.

    Arguments:
        name: `native` or `python`.
        module: a module that imports names from `emmett.engine`.
    """
    assert module.__spec__ is not None
    assert module.__spec__.origin is not None
    # A unique name in the same package, so that its relative imports work.
    spec = importlib.util.spec_from_file_location(f"{module.__name__}_{name}", module.__spec__.origin)
    assert spec is not None
    assert spec.loader is not None
    copy = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "emmett.engine", engine(name))
        spec.loader.exec_module(copy)
    return copy


def reader_class(name: str) -> Any:
    """Return `FrameReader` on an engine."""
    return load_with(name, emmett.wire.frames).FrameReader
