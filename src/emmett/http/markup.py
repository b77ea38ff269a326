"""`Markup`: text that is already HTML."""

from __future__ import annotations


class Markup(str):
    """HTML, such as a page made from a template. Templates do not escape it, and a response with it is `text/html`.

    The methods of `str` return plain text, not `Markup`.
    """

    __slots__ = ()

    def __html__(self) -> str:
        """Return the text, as `markupsafe` defines it."""
        return str(self)
