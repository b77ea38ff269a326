"""`Markup`: text that is HTML already."""

from __future__ import annotations


class Markup(str):
    """HTML, such as a page made from a template. Templates do not escape it, and a response with it is `text/html`.

    What is made of it with the methods of `str` is plain text again.
    """

    __slots__ = ()

    def __html__(self) -> str:
        """Return the text, as `markupsafe` defines it."""
        return str(self)
