"""`MutableHeaders`: the header fields of a response."""

from __future__ import annotations

import re
from collections.abc import ItemsView, Iterable, Iterator, Mapping, MutableMapping

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# field-vchar, space and tab of RFC 9110, 5.5; the rest of latin-1 is obs-text.
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class MutableHeaders(MutableMapping[str, str]):
    """Header fields by case-insensitive name, in the order of their first assignment.

    Arguments:
        fields: the initial fields: a mapping, or pairs of name and value; pairs with the same name are joined.

    A field has one value, and `append` adds to it. Set-Cookie, which cannot be joined, has one or more lines: reading
    it returns the first. Names are kept in lower case.

    Raises:
        ValueError: on assignment, if a name is not a token (RFC 9110, 5.6.2) or a value has CR, LF, NUL, another
            control character, or a character outside of latin-1 (RFC 9110, 5.5).
        TypeError: on assignment of a name or a value that is not a `str`.
    """

    __slots__ = ("_fields", "_more_cookies")

    def __init__(self, fields: Mapping[str, str] | Iterable[tuple[str, str]] | None = None) -> None:
        self._fields: dict[str, str] = {}
        # Set-Cookie lines after the first; None until there is one.
        self._more_cookies: list[str] | None = None
        if fields is None:
            # Each request creates such headers, and `isinstance` with an abstract class costs a microsecond.
            return
        if isinstance(fields, Mapping):
            self.update(fields)
        else:
            self.extend(fields)

    def append(self, name: str, value: str) -> None:
        """Add a value to a field, after a comma if it has one already (RFC 9110, 5.3). To Set-Cookie, add a line."""
        key = name.lower()
        before = self._fields.get(key)
        if before is None:
            self[name] = value
        elif key == "set-cookie":
            more = [*(self._more_cookies or ()), _checked(name, value)]
            self._more_cookies = more
        else:
            self[name] = f"{before}, {value}"

    def extend(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Set the fields of these pairs. Pairs with the same name are joined as `append` does.

        Raises:
            ValueError, TypeError: as on assignment.
        """
        given: set[str] = set()
        for name, value in pairs:
            # Checked before the name is used.
            value = _checked(name, value)
            if name.lower() in given:
                self.append(name, value)
            else:
                given.add(name.lower())
                self[name] = value

    def lines(self) -> Iterable[tuple[str, str]]:
        """Return all fields in the form that is sent: pairs of lower-case name and value, one per Set-Cookie line."""
        if self._more_cookies is None:
            return self._fields.items()
        return [*self._fields.items(), *(("set-cookie", line) for line in self._more_cookies)]

    def raw(self) -> list[tuple[bytes, bytes]]:
        """Return the fields as pairs of lower-case name and value, in bytes."""
        return [(name.encode("ascii"), value.encode("latin-1")) for name, value in self.lines()]

    def items(self) -> ItemsView[str, str]:
        # The implementation of `MutableMapping` looks up every field.
        return self._fields.items()

    def copy(self) -> MutableHeaders:
        """Return an independent copy."""
        headers = MutableHeaders()
        headers._fields = self._fields.copy()
        headers._more_cookies = self._more_cookies
        return headers

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __setitem__(self, name: str, value: str) -> None:
        value = _checked(name, value)
        key = name.lower()
        self._fields[key] = value
        if key == "set-cookie":
            self._more_cookies = None

    def __delitem__(self, name: str) -> None:
        key = name.lower()
        del self._fields[key]
        if key == "set-cookie":
            self._more_cookies = None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"MutableHeaders({self._fields if self._more_cookies is None else list(self.lines())!r})"


def _checked(name: object, value: object) -> str:
    """Return a value in the form that is sent, after checking it and its name."""
    for text in (name, value):
        if not isinstance(text, str):
            raise TypeError(f"header {name!r}: {text!r} is {type(text).__name__}, expected str")
    assert isinstance(name, str)
    assert isinstance(value, str)
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"header name {name!r}: allowed are ASCII letters, digits and !#$%&'*+-.^_`|~")
    if not _FIELD_VALUE.fullmatch(value):
        raise ValueError(
            f"header {name}: {value!r} contains a control character, such as CR, LF or NUL, or one outside of latin-1; "
            "remove it or percent-encode it"
        )
    return value.strip(" \t")
