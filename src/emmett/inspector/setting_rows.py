"""The settings of an application as text, without its secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ..config import Config, Settings
from .answers import SettingRow

# Values of settings with these names are not shown.
_SECRET = re.compile(
    r"secret|passw|passphrase|token|api_?key|private|credential|cookie|salt|sign|seal|dsn|auth|(^|_)keys?($|_)|pin$",
    re.IGNORECASE,
)
# Texts that probably contain a secret, such as "host=db password=…".
_MENTIONS_SECRET = re.compile(r"(passw\w*|secret|token|key)\s*[=:]", re.IGNORECASE)
HIDDEN = "(hidden)"
# The most characters of a value, and the most values of the application, to show.
MAX_VALUE = 300
MAX_OWN = 200


def setting_rows(config: Config) -> list[SettingRow]:
    """Return all settings: those of emmett's sections, then those of the application."""
    sections = [value for value in dict.values(config) if isinstance(value, Settings)]
    rows = [row for section in sections for row in _section_rows(section)]
    return rows + list(_own_rows(config))[:MAX_OWN]


def _section_rows(section: Settings) -> Iterator[SettingRow]:
    defaults = type(section)()
    for name in sorted(section.names()):
        value = getattr(section, name)
        is_changed = bool(value != getattr(defaults, name))
        yield SettingRow(section.section, name, show_value(name, value), is_changed)


def _own_rows(config: Config) -> Iterator[SettingRow]:
    for name, value in sorted(dict.items(config)):
        if not isinstance(value, Settings):
            yield SettingRow("application", str(name), show_value(str(name), value), True)


def show_value(name: str, value: object) -> str:
    """Return a setting as text, without the value of one with a secret's name, and without passwords in URLs.

    Arguments:
        name: its name.
        value: its value. Mappings and sequences are shown with their items; other objects only with their type.
    """
    if _SECRET.search(name) and value is not None and not isinstance(value, (bool, int, float)):
        return HIDDEN
    text = _show(value, depth=0)
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"


def _show(value: object, depth: int) -> str:
    if value is None or isinstance(value, (bool, int, float)):
        return str(value)
    if isinstance(value, str):
        return hide_password(value)
    if isinstance(value, bytes):
        # Bytes are mostly keys.
        return HIDDEN
    if depth < 2 and isinstance(value, Mapping):
        items = ", ".join(f"{key}: {_show_item(str(key), each, depth)}" for key, each in list(value.items())[:50])
        return f"{{{items}}}"
    if depth < 2 and isinstance(value, (list, tuple, set, frozenset)):
        return f"[{', '.join(_show(each, depth + 1) for each in list(value)[:50])}]"
    return f"<{type(value).__name__}>"


def _show_item(key: str, value: object, depth: int) -> str:
    is_secret = _SECRET.search(key) and not isinstance(value, (bool, int, float, type(None)))
    return HIDDEN if is_secret else _show(value, depth + 1)


def hide_password(text: str) -> str:
    """Return a text in which a URL with credentials is cut to its scheme, and every URL loses its query."""
    if _MENTIONS_SECRET.search(text):
        return HIDDEN
    scheme, separator, rest = text.partition("://")
    if separator and "@" in rest:
        # Passwords may contain any character, and some settings have several URLs.
        return f"{scheme}://{HIDDEN}"
    place, mark, _ = rest.partition("?")
    return f"{scheme}://{place}?{HIDDEN}" if separator and mark else text
