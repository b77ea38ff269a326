"""`Session`: the values of one visitor, as a handler sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import wraps
from typing import Any

from ..datastructures import ItemOrMethod, sdict
from ..errors import UsageError

SAVED = (
    "the session was saved when the handler returned, and cannot be changed any more: change it in the handler, not in "
    "a stream, an error page or a task that goes on after it"
)
IN_WEBSOCKET = (
    "the session is read-only in a websocket, which cannot set a cookie: change it in a request; what belongs to the "
    "connection alone is best kept in a variable"
)


def _guarded(name: str) -> Any:
    """Return a method of dict that first looks whether the session may be changed."""
    method = getattr(dict, name)

    @wraps(method)
    def change(self: Session, /, *args: Any, **kwargs: Any) -> Any:
        if self._locked is not None:
            raise UsageError(self._locked)
        return method(self, *args, **kwargs)

    return change


def _guarded_method(name: str) -> Any:
    return ItemOrMethod(name, _guarded(name))


class Session(sdict[Any]):
    """What is remembered of one visitor: `session.name` and `session["name"]` read and write, missing is `None`.

    Values are what JSON can carry: None, bool, int, finite float, str, list, and dict with keys of type str. Changes
    inside of them are noticed too. It has no methods beyond those of a dict, so that names stay free for values.
    """

    # Names of values begin with no underscore that we would take.
    __slots__ = ("_locked", "_visit")

    _locked: str | None
    _visit: Any

    def __init__(self, values: Mapping[str, Any] | Iterable[tuple[str, Any]] = (), *, visit: object = None) -> None:
        super().__init__(values)
        object.__setattr__(self, "_locked", None)
        object.__setattr__(self, "_visit", visit)

    __setitem__ = _guarded("__setitem__")
    __delitem__ = _guarded("__delitem__")
    __ior__ = _guarded("__ior__")
    clear = _guarded_method("clear")
    pop = _guarded_method("pop")
    popitem = _guarded_method("popitem")
    setdefault = _guarded_method("setdefault")
    update = _guarded_method("update")

    def __reduce__(self) -> tuple[Any, ...]:
        # Copies are values without a visitor.
        return sdict, (dict(self),)


def lock(session: Session, reason: str) -> None:
    """Make every later assignment a `UsageError` with this reason."""
    object.__setattr__(session, "_locked", reason)


def visit_of(session: object) -> Any:
    """Return what a pipe noted about a session; None for what is no session of ours."""
    return session._visit if isinstance(session, Session) else None
