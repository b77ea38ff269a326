"""Checks of what an application configures: settings and the options of namespaces.

A check takes a value and returns what is expected instead, or None if the value is valid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Check = Callable[[object], str | None]


def whole_number(unit: str = "", *, least: int = 1, most: int | None = None, optional: bool = False) -> Check:
    """Return the check of a whole number.

    Arguments:
        unit: what is counted, in the plural.
        least, most: the range, inclusive; no upper limit if `most` is None.
        optional: also allow None, which leaves the choice to emmett or the system.
    """
    limits = f"at least {least}" if most is None else f"{least} to {most}"
    wanted = f"a whole number{' of ' if unit else ''}{unit}, {limits}{', or None' if optional else ''}"

    def check(value: object) -> str | None:
        if optional and value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            return wanted
        return None if value >= least and (most is None or value <= most) else wanted

    return check


def error_meanings(errors: Mapping[Any, Any], *, least: int | None = None, most: int | None = None) -> str | None:
    """Return what is wrong with `errors=` of a route or a method: codes and what they mean; None if nothing is.

    Arguments:
        least, most: the range of codes, inclusive; every integer if None.
    """
    limits = "" if least is None else f" from {least} to {most}"
    for code, meaning in errors.items():
        is_code = isinstance(code, int) and not isinstance(code, bool)
        if not is_code or (least is not None and most is not None and not least <= code <= most):
            return f"errors: the code {code!r} is not an integer{limits}"
        if not isinstance(meaning, str) or not meaning.strip():
            return f"errors: {code}: {meaning!r} does not say what it means, in a text"
    return None


def seconds(*, least: float | None = None, most: float = float("inf"), optional: bool = False) -> Check:
    """Return the check of a duration in seconds.

    Arguments:
        least, most: the range, inclusive; without `least` any number above 0. Never infinity.
        optional: also allow None, which switches the feature off.
    """
    limits = " above 0" if least is None else f", {least} to {most}"
    wanted = f"a number of seconds{limits}{', or None to switch it off' if optional else ''}"

    def check(value: object) -> str | None:
        if optional and value is None:
            return None
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return wanted
        # A comparison with NaN is always false.
        is_long_enough = value > 0 if least is None else value >= least
        return None if is_long_enough and value <= most and value < float("inf") else wanted

    return check


def flag(value: object) -> str | None:
    """Check a boolean."""
    return None if isinstance(value, bool) else "True or False"


def function(value: object) -> str | None:
    """Check a function that may be missing."""
    return None if value is None or callable(value) else "a function, or None"


def choice(*allowed: str | None) -> Check:
    """Return the check of one of several values."""

    def check(value: object) -> str | None:
        if (value is None or isinstance(value, str)) and value in allowed:
            return None
        return " or ".join(map(repr, allowed))

    return check


def describe_allowed(name: str, known: Iterable[str]) -> str:
    """Return which names are allowed instead of an unknown one, the closest first."""
    from difflib import get_close_matches

    names = list(known)
    close = get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}allowed are {', '.join(names)}"
