"""`StaticFiles`: the files of a folder, as an HTTP resource each."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ..errors import HTTPException
from .content_codings import IDENTITY, choose_coding
from .file_reader import FileIdentity
from .file_response import FileForm, identify_file, refusal, respond_to_changes, respond_with_file
from .media_types import media_type_of
from .request import Request
from .response import Response

# Compressed forms, which lie beside a file under its name with this suffix; those that are smallest as a rule go first.
SIBLINGS = {"br": ".br", "zstd": ".zst", "gzip": ".gz"}

_SUFFIXES = tuple(SIBLINGS.values())
# A year: RFC 9111 sets no bound, but this is what "for good" is written as; RFC 8246 for "immutable".
_FOR_GOOD = "public, max-age=31536000, immutable"
_ASK_FIRST = "no-cache"


class StaticFiles:
    """Answers requests for the files below a folder.

    Of a file `a.js` the compressed forms `a.js.br`, `a.js.zst` and `a.js.gz`, where they lie beside it, are sent in its
    place to clients that want them. One that is older than the file itself is out of date, and left out.

    Arguments:
        directory: the folder. Symbolic links in it work as long as they stay in it.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = Path(directory)

    async def respond(
        self, request: Request, filename: str, *, max_age: int = 0, version: str | None = None
    ) -> Response:
        """Answer a GET or HEAD request for a file.

        Arguments:
            request: its conditions, its range and its Accept-Encoding are honoured (RFC 9110, 12.5.3, 13 and 14).
            filename: the path below the folder, percent-decoded, with `/` between its parts.
            max_age: seconds for which a client may use its copy without asking; with 0 it asks every time, and mostly
                gets a 304.
            version: what the files are called as they are now. The file `a.js` is then at `_<version>/a.js` too, where
                a client may keep it for good; behind the `_` of another version it is found all the same, as pages
                from before the last deployment name it, but must be asked for each time.

        Returns a response with status 200, 206, 304, 406, 412 or 416. What fits one chunk is in it, more is streamed.

        Raises:
            HTTPException: 404 for everything that is not a file below the folder, without a difference between what is
                missing, forbidden or elsewhere; 405 for another method.
        """
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        cache_control = f"public, max-age={max_age}" if max_age else _ASK_FIRST
        names = [*_names(filename, version, cache_control)]
        return await asyncio.to_thread(respond_to_changes, partial(self._respond, request, names))

    def _respond(self, request: Request, names: list[tuple[str, str]]) -> Response:
        """Do all of it in one thread: a change of threads costs more than a small file."""
        for filename, cache_control in names:
            if forms := self._find_forms(filename):
                form = _choose(forms, request)
                if form is None:
                    message = f"the request refuses the codings there are: {', '.join(forms)}"
                    return refusal(406, message, {"vary": "accept-encoding"})
                return respond_with_file(request, form, {"cache-control": cache_control})
        raise HTTPException(404)

    def _find_forms(self, filename: str) -> dict[str, FileForm]:
        """Return a file as it is and in its compressed forms, by their codings; empty when there is no such file."""
        if not _is_plain(filename):
            return {}
        try:
            # Anew for each request: the folder may be a link that a deployment moves.
            directory = Path(os.path.realpath(self._directory, strict=True))
        except OSError:
            return {}
        found = _locate(directory, filename)
        if found is None:
            return {}
        siblings = {} if filename.lower().endswith(_SUFFIXES) else _find_siblings(directory, filename, found[1])
        content_type, many = media_type_of(filename.rpartition("/")[2]), bool(siblings)
        forms = {coding: FileForm(*sibling, content_type, coding, many) for coding, sibling in siblings.items()}
        forms[IDENTITY] = FileForm(*found, content_type, None, many)
        return forms


def _names(filename: str, version: str | None, cache_control: str) -> Iterator[tuple[str, str]]:
    """Yield under which names to look for a file, in this order, each with the Cache-Control it gets there."""
    marker, slash, rest = filename.partition("/")
    if version is None or not slash or not marker.startswith("_"):
        yield filename, cache_control
    elif marker[1:] == version:
        yield rest, _FOR_GOOD
        yield filename, cache_control
    else:
        # A folder may bear such a name.
        yield filename, cache_control
        yield rest, _ASK_FIRST


def _find_siblings(directory: Path, filename: str, original: FileIdentity) -> dict[str, tuple[Path, FileIdentity]]:
    siblings = {}
    for coding, suffix in SIBLINGS.items():
        # Most files have none: one question to the disk, where `_locate` asks one for each folder above.
        sibling = _locate(directory, filename + suffix) if os.path.lexists(f"{directory}/{filename}{suffix}") else None
        # In whole seconds: tools that copy the time of the original do not all copy its fractions.
        if sibling and sibling[1].modified_ns // 1_000_000_000 >= original.modified_ns // 1_000_000_000:
            siblings[coding] = sibling
    return siblings


def _choose(forms: dict[str, FileForm], request: Request) -> FileForm | None:
    coding = choose_coding(request.headers.get("accept-encoding"), [name for name in forms if name != IDENTITY])
    return None if coding is None else forms[coding]


def _locate(directory: Path, filename: str) -> tuple[Path, FileIdentity] | None:
    """Look a file up below a folder, both without links in them."""
    try:
        path = Path(os.path.realpath(directory / filename, strict=True))
        return (path, identify_file(path)) if path.is_relative_to(directory) else None
    except (OSError, ValueError):
        return None


def _is_plain(filename: str) -> bool:
    """Say whether a name has nothing in it but the names of folders and a file."""
    if "\\" in filename or "\0" in filename:
        return False
    return all(part not in ("", ".", "..") for part in filename.split("/"))
