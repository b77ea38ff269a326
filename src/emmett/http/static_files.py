"""`StaticFiles`: serves the files of a folder."""

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

# The suffixes of compressed forms, which are next to a file. The codings that are usually smallest come first.
SIBLINGS = {"br": ".br", "zstd": ".zst", "gzip": ".gz"}

_SUFFIXES = tuple(SIBLINGS.values())
# A year: RFC 9111 sets no limit, but this is the customary value for "forever"; RFC 8246 for "immutable".
_FOR_GOOD = "public, max-age=31536000, immutable"
_ASK_FIRST = "no-cache"


class StaticFiles:
    """Serves the files below a folder.

    If the compressed forms `a.js.br`, `a.js.zst` and `a.js.gz` are next to a file `a.js`, they are sent in its place to
    clients that prefer them. A form that is older than the file is out of date and ignored.

    Arguments:
        directory: the folder. Symbolic links in it work as long as they do not leave it.
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
            max_age: how long a client may use its copy without asking, in seconds; with 0 it asks every time, and
                usually gets a 304.
            version: the current version of the files. The file `a.js` is then available at `_<version>/a.js` too, where
                a client may keep it forever. Below the `_` of another version, the file is found as well, for pages
                from before the last deployment, but clients must ask for it each time.

        Returns a response with status 200, 206, 304, 406, 412 or 416. Content that fits into one chunk is in the
        response, longer content is streamed.

        Raises:
            HTTPException: 404 for everything that is not a file below the folder, without distinguishing missing,
                forbidden and outside paths; 405 for another method.
        """
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        cache_control = f"public, max-age={max_age}" if max_age else _ASK_FIRST
        names = [*_names(filename, version, cache_control)]
        return await asyncio.to_thread(respond_to_changes, partial(self._respond, request, names))

    def _respond(self, request: Request, names: list[tuple[str, str]]) -> Response:
        """Do all the work in one thread: switching threads costs more than a small file."""
        for filename, cache_control in names:
            if forms := self._find_forms(filename):
                form = _choose(forms, request)
                if form is None:
                    message = f"the request refuses all available codings: {', '.join(forms)}"
                    return refusal(406, message, {"vary": "accept-encoding"})
                return respond_with_file(request, form, {"cache-control": cache_control})
        raise HTTPException(404)

    def _find_forms(self, filename: str) -> dict[str, FileForm]:
        """Return a file and its compressed forms by their codings; empty if there is no such file."""
        if not _is_plain(filename):
            return {}
        try:
            # Resolved for each request, since the folder may be a link that a deployment moves.
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
    """Yield the names under which to look for a file, in this order, each with its Cache-Control."""
    marker, slash, rest = filename.partition("/")
    if version is None or not slash or not marker.startswith("_"):
        yield filename, cache_control
    elif marker[1:] == version:
        yield rest, _FOR_GOOD
        yield filename, cache_control
    else:
        # A folder may have such a name.
        yield filename, cache_control
        yield rest, _ASK_FIRST


def _find_siblings(directory: Path, filename: str, original: FileIdentity) -> dict[str, tuple[Path, FileIdentity]]:
    siblings = {}
    for coding, suffix in SIBLINGS.items():
        # Most files have none: this is one system call, whereas `_locate` needs one for each parent folder.
        sibling = _locate(directory, filename + suffix) if os.path.lexists(f"{directory}/{filename}{suffix}") else None
        # In whole seconds: some tools copy the time of the original without its fraction.
        if sibling and sibling[1].modified_ns // 1_000_000_000 >= original.modified_ns // 1_000_000_000:
            siblings[coding] = sibling
    return siblings


def _choose(forms: dict[str, FileForm], request: Request) -> FileForm | None:
    coding = choose_coding(request.headers.get("accept-encoding"), [name for name in forms if name != IDENTITY])
    return None if coding is None else forms[coding]


def _locate(directory: Path, filename: str) -> tuple[Path, FileIdentity] | None:
    """Look up a file below a folder. Neither may contain links."""
    try:
        path = Path(os.path.realpath(directory / filename, strict=True))
        return (path, identify_file(path)) if path.is_relative_to(directory) else None
    except (OSError, ValueError):
        return None


def _is_plain(filename: str) -> bool:
    """Return whether a path consists only of plain folder names and a file name."""
    if "\\" in filename or "\0" in filename:
        return False
    return all(part not in ("", ".", "..") for part in filename.split("/"))
