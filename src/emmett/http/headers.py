"""`MutableHeaders`: the header fields of a response."""

from __future__ import annotations

import re
from collections.abc import ItemsView, Iterator, Mapping, MutableMapping

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# field-vchar, space and tab of RFC 9110, 5.5; the rest of latin-1 is obs-text.
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class MutableHeaders(MutableMapping[str, str]):
    """Header fields by case-insensitive name, in the order of their first assignment.

    Arguments:
        fields: the fields to begin with.

    A field has one value; `append` adds to it. Names are kept in lower case.

    Raises:
        ValueError: on assignment, when a name is not a token (RFC 9110, 5.6.2) or a value has CR, LF, NUL, another
            control character, or a character outside of latin-1 (RFC 9110, 5.5).
        TypeError: on assignment of a name or a value that is not a `str`.
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, str] | None = None) -> None:
        self._fields: dict[str, str] = {}
        if fields:
            self.update(fields)

    def append(self, name: str, value: str) -> None:
        """Add a value to a field, after a comma when it has one already (RFC 9110, 5.3).

        Raises:
            ValueError: for `set-cookie`, which cannot be joined; `response.cookies` takes any number of cookies.
        """
        key = name.lower()
        if key == "set-cookie":
            raise ValueError("set-cookie values cannot be joined in one field: set them through response.cookies")
        self[name] = f"{self._fields[key]}, {value}" if key in self._fields else value

    def raw(self) -> list[tuple[bytes, bytes]]:
        """Return the fields as pairs of lower-case name and value, in bytes."""
        return [(name.encode("ascii"), value.encode("latin-1")) for name, value in self._fields.items()]

    def items(self) -> ItemsView[str, str]:
        # That of `MutableMapping` looks every field up.
        return self._fields.items()

    def copy(self) -> MutableHeaders:
        """Return a copy that can be changed apart."""
        headers = MutableHeaders()
        headers._fields = self._fields.copy()
        return headers

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __setitem__(self, name: str, value: str) -> None:
        for text in (name, value):
            if not isinstance(text, str):
                raise TypeError(f"header {name!r}: {text!r} is {type(text).__name__}, expected str")
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"header name {name!r}: allowed are ASCII letters, digits and !#$%&'*+-.^_`|~")
        if not _FIELD_VALUE.fullmatch(value):
            raise ValueError(
                f"header {name}: {value!r} has a control character, such as CR, LF or NUL, or one outside of latin-1; "
                "leave it out or percent-encode it"
            )
        self._fields[name.lower()] = value.strip(" \t")

    def __delitem__(self, name: str) -> None:
        del self._fields[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"MutableHeaders({self._fields!r})"
