from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from emmett.datastructures import sdict
from emmett.errors import UsageError
from emmett.sessions.session import Session, lock, visit_of

CHANGES: dict[str, Callable[[Session], Any]] = {
    "attribute": lambda session: setattr(session, "user", "bob"),
    "item": lambda session: session.__setitem__("user", "bob"),
    "deleted attribute": lambda session: delattr(session, "user"),
    "deleted item": lambda session: session.__delitem__("user"),
    "pop": lambda session: session.pop("user"),
    "pop of nothing": lambda session: session.pop("missing", None),
    "popitem": lambda session: session.popitem(),
    "clear": lambda session: session.clear(),
    "update": lambda session: session.update(user="bob"),
    "setdefault": lambda session: session.setdefault("theme", "dark"),
    "merge": lambda session: session.__ior__({"user": "bob"}),
}


def test_values_are_attributes_and_items() -> None:
    session = Session({"user": "ann"})
    session.theme = "dark"
    session["page"] = 3
    assert (session.user, session["theme"], session.page) == ("ann", "dark", 3)
    assert (session.missing, session["missing"], "missing" in session) == (None, None, False)
    del session.theme
    assert session == {"user": "ann", "page": 3}
    assert isinstance(session, sdict)


@pytest.mark.parametrize("name", CHANGES)
def test_a_locked_session_cannot_be_changed(name: str) -> None:
    session = Session({"user": "ann"})
    lock(session, "not here")
    with pytest.raises(UsageError, match="not here"):
        CHANGES[name](session)
    assert session == {"user": "ann"}


@pytest.mark.parametrize("name", CHANGES)
def test_an_unlocked_session_can_be_changed(name: str) -> None:
    plain = sdict({"user": "ann"})
    session = Session(plain)
    CHANGES[name](session)
    CHANGES[name](plain)  # type: ignore[arg-type]
    assert session == plain


@pytest.mark.parametrize("name", ["items", "keys", "values", "get", "copy", "pop", "update", "clear"])
def test_a_value_may_have_the_name_of_a_method(name: str) -> None:
    session = Session()
    setattr(session, name, "mine")
    assert getattr(session, name) == session[name] == "mine"
    Session.update(session, user="ann")
    assert dict(session) == {name: "mine", "user": "ann"}
    lock(session, "not here")
    with pytest.raises(UsageError, match="not here"):
        Session.clear(session)


def test_internal_attributes_are_no_values() -> None:
    visit = object()
    session = Session(visit=visit)
    assert visit_of(session) is visit
    assert not session
    assert visit_of(sdict()) is None


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, Session.copy, lambda it: pickle.loads(pickle.dumps(it))])
def test_a_copy_is_independent(copied: Callable[[Session], Any]) -> None:
    session = Session({"user": "ann"}, visit="of ann")
    lock(session, "not here")
    other = copied(session)
    other.user = "bob"
    assert (type(other), other, session.user) == (sdict, {"user": "bob"}, "ann")
