"""`sdict` and `Headers`: the two mappings that every part of emmett shares."""

from __future__ import annotations

import contextlib
import copyreg
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar, overload

Value = TypeVar("Value")
Default = TypeVar("Default")


class sdict(dict[str, Value]):  # noqa: N801 - the documented name
    """A dict whose items are also attributes; a missing attribute reads as `None`.

    >>> params = sdict(page="2")
    >>> params.page
    '2'
    >>> params.missing is None
    True

    Reading a missing item, `params["missing"]`, returns `None` too.

    An item hides the method of the same name: visitors can send names such as `items` and `get`. If any name is
    possible, call the method on the class, or create a plain dict first:

    >>> params = sdict(items="all")
    >>> params.items
    'all'
    >>> list(dict.items(params)), dict(params).items()
    ([('items', 'all')], dict_items([('items', 'all')]))
    """

    __slots__ = ()

    def __missing__(self, key: str) -> None:
        return None

    def __getattr__(self, name: str) -> Value | None:
        # Look-ups of special methods come from the interpreter (copy, pickle) and must fail as on any object.
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return self[name]

    def __setattr__(self, name: str, value: Value) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        with contextlib.suppress(KeyError):
            del self[name]

    def __reduce__(self) -> tuple[Any, ...]:
        # The implementation of `object` calls `self.items()`.
        return copyreg.__newobj__, (type(self),), None, None, iter(dict.items(self))  # type: ignore[attr-defined]

    def copy(self) -> sdict[Value]:
        """Return a shallow copy, again an `sdict`."""
        return sdict(self)


class ItemOrMethod:
    """A method of an `sdict`, hidden by an item of the same name.

    A descriptor for each name of a dict's method, instead of `__getattribute__`, so that other names cost nothing.

    Arguments:
        name: the name of the method.
        method: the function in the class.
    """

    __slots__ = ("_method", "_name")

    def __init__(self, name: str, method: Any) -> None:
        self._name = name
        self._method = method

    def __get__(self, instance: dict[str, Any] | None, owner: type) -> Any:
        if instance is not None and self._name in instance:
            return instance[self._name]
        return self._method.__get__(instance, owner)


for _name, _method in {**vars(dict), **vars(sdict)}.items():
    if not _name.startswith("_"):
        setattr(sdict, _name, ItemOrMethod(_name, _method))


class Headers(Mapping[str, str]):
    """The header fields of a request: case-insensitive, read-only, in the order of their arrival.

    Arguments:
        raw: pairs of lower-case name and value, as bytes; they are decoded as latin-1 (RFC 9110, 5.5).

    A repeated field reads as its values joined by `", "` (RFC 9110, 5.3), `cookie` joined by `"; "` (RFC 6265, 5.4);
    `get_all` returns them separately.
    """

    __slots__ = ("_raw",)

    def __init__(self, raw: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self._raw = raw if isinstance(raw, list) else list(raw)

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        """The pairs as they were received."""
        return self._raw

    def get_all(self, name: str) -> list[str]:
        """Return every value of a field, in the order of arrival; empty if there is none."""
        key = name.lower().encode("latin-1", "replace")
        return [value.decode("latin-1") for field, value in self._raw if field == key]

    def __getitem__(self, name: str) -> str:
        values = self.get_all(name)
        if not values:
            raise KeyError(name)
        return values[0] if len(values) == 1 else _joiner(name).join(values)

    @overload
    def get(self, name: str, /) -> str | None: ...

    @overload
    def get(self, name: str, /, default: str) -> str: ...

    @overload
    def get(self, name: str, /, default: Default) -> str | Default: ...

    def get(self, name: str, /, default: object = None) -> object:
        """Return the value of a field, or `default` if it is missing."""
        # Avoids the exception that `__getitem__` would raise, and a list: most requested fields are missing.
        key = name.lower().encode("latin-1", "replace")
        found: bytes | None = None
        for field, value in self._raw:
            if field == key:
                if found is not None:
                    return _joiner(name).join(self.get_all(name))
                found = value
        return default if found is None else found.decode("latin-1")

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        key = name.lower().encode("latin-1", "replace")
        return any(field == key for field, _ in self._raw)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(field.decode("latin-1") for field, _ in self._raw))

    def __len__(self) -> int:
        return len({field for field, _ in self._raw})

    def __repr__(self) -> str:
        return f"Headers({dict(self)!r})"


def _joiner(name: str) -> str:
    return "; " if name.lower() == "cookie" else ", "
