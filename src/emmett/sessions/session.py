"""`Session`: the values of one visitor, for handlers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import wraps
from typing import Any

from ..datastructures import ItemOrMethod, sdict
from ..errors import UsageError

SAVED = (
    "the session was saved when the handler returned, and can no longer be changed: change it in the handler, not in a "
    "stream, an error page or a task that outlives it"
)
IN_WEBSOCKET = (
    "the session is read-only in a websocket, which cannot set a cookie: change it in a request, and keep values of "
    "the connection in variables"
)


def _guarded(name: str) -> Any:
    """Return a method of dict that first checks whether the session may be changed."""
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
    """The values of one visitor: read and write `session.name` or `session["name"]`; a missing value is `None`.

    Values are those that JSON preserves: None, bool, int, finite float, str, list, and dict with str keys. Changes
    inside of them are noticed, too. A session has only the methods of a dict, so that other names are free for values.
    """

    # Internal names begin with an underscore, so they do not collide with names of values.
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
        # Copies have the values, but no visit.
        return sdict, (dict(self),)


def lock(session: Session, reason: str) -> None:
    """Make every later assignment a `UsageError` with this reason."""
    object.__setattr__(session, "_locked", reason)


def visit_of(session: object) -> Any:
    """Return the state of a session in its pipe; None if it is not such a session."""
    return session._visit if isinstance(session, Session) else None
