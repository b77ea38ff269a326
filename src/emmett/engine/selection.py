"""The choice between the two engines, made once, when emmett is imported."""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING

from ..environment import ENGINE as VARIABLE

NAMES = ("native", "python")


def choose_engine(asked: str | None, is_built: bool) -> str:
    """Return the name of the engine to run.

    Arguments:
        asked: the value of the environment variable; None or empty if it is not set.
        is_built: whether the native engine is there.

    Raises:
        ImportError: the variable asks for an engine that does not exist or is not built.
    """
    if not asked:
        return "native" if is_built else "python"
    if asked not in NAMES:
        raise ImportError(f"{VARIABLE}={asked!r} is no engine; it is {' or '.join(NAMES)}")
    if asked == "native" and not is_built:
        raise ImportError(
            f"{VARIABLE}=native, but the native engine is not built: install emmett from a wheel for this platform, or "
            f"where a C compiler and the headers of Python are installed. Without {VARIABLE}, the Python engine runs"
        )
    return asked


ENGINE = choose_engine(os.environ.get(VARIABLE), importlib.util.find_spec("emmett._native") is not None)

# Types are checked against the Python engine.
if TYPE_CHECKING or ENGINE == "python":
    from .python import (
        BaseOutbox,
        BaseReader,
        BaseReading,
        BaseWebsocket,
        Batch,
        Inbox,
        apply_mask,
        encode_message,
        hand_out,
        make_handle_functions,
    )
else:
    from .._native import (
        BaseOutbox,
        BaseReader,
        BaseReading,
        BaseWebsocket,
        Batch,
        Inbox,
        apply_mask,
        encode_message,
        hand_out,
        make_handle_functions,
    )

__all__ = [
    "ENGINE",
    "BaseOutbox",
    "BaseReader",
    "BaseReading",
    "BaseWebsocket",
    "Batch",
    "Inbox",
    "apply_mask",
    "encode_message",
    "hand_out",
    "make_handle_functions",
]
