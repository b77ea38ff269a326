"""The board: the notices on it, and their files."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import shutil
import tempfile
import time
import unicodedata
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from emmett.http import UploadedFile

MAX_TEXT = 500  # characters
MAX_FILE_NAME = 100  # characters
MAX_NOTICES = 100  # on the board; an older one is taken off
MAX_FILES = 20  # on the board; an older notice loses its file

# How files begin that are shown as images, whatever their names and senders say.
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


class Attachment(msgspec.Struct):
    """The file of a notice. `url` is where it is."""

    token: str
    name: str
    content_type: str
    size: int  # bytes
    url: str

    @property
    def is_image(self) -> bool:
        return self.content_type.startswith("image/")


class Notice(msgspec.Struct, tag="notice"):
    """What somebody has put on the board."""

    id: int
    author: str
    text: str
    at: datetime
    file: Attachment | None = None


class Board:
    """The notices, newest last. Everything is in memory and in a temporary folder, and ends with the process."""

    def __init__(self) -> None:
        self.notices: deque[Notice] = deque()
        self._folder = Path(tempfile.mkdtemp(prefix="emmett-board-"))
        self._dropped: list[Path] = []
        # It starts from the clock, so that a browser that returns after a restart is never ahead.
        self._ids = itertools.count(time.time_ns() // 1_000_000)

    @property
    def last_id(self) -> int:
        return self.notices[-1].id if self.notices else 0

    def path(self, file: Attachment) -> Path:
        return self._folder / file.token

    def find(self, token: str) -> Attachment | None:
        """Return the file that has this token, if a notice still has it."""
        files = (notice.file for notice in self.notices if notice.file is not None)
        return next((file for file in files if file.token == token), None)

    def after(self, id: int) -> list[Notice]:
        """Return what was put up after a notice."""
        return [notice for notice in self.notices if notice.id > id]

    async def keep(self, upload: UploadedFile, url_of: Callable[[str], str]) -> Attachment:
        """Save a file that was sent, under a name that nobody can guess and no sender chooses."""
        start = await upload.read(16)
        name = " ".join(tidy(upload.filename).split())[:MAX_FILE_NAME] or "file"
        token = secrets.token_urlsafe(16)
        file = Attachment(token, name, content_type_of(start), upload.size, url_of(token))
        await upload.save(self.path(file))
        return file

    def put_up(self, author: str, text: str, file: Attachment | None = None) -> Notice:
        """Put a notice on the board, and take off what is too much. `await sweep()` removes the files of that."""
        notice = Notice(next(self._ids), author, text, datetime.now(UTC), file)
        self.notices.append(notice)
        if len(self.notices) > MAX_NOTICES:
            self._drop_file(self.notices.popleft())
        for old in [notice for notice in self.notices if notice.file is not None][:-MAX_FILES]:
            self._drop_file(old)
        return notice

    async def sweep(self) -> None:
        """Remove the files that no notice has any more."""
        if self._dropped:
            dropped, self._dropped = self._dropped, []
            await asyncio.to_thread(_remove, dropped)

    async def close(self) -> None:
        """Remove all files."""
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def _drop_file(self, notice: Notice) -> None:
        if notice.file is not None:
            self._dropped.append(self.path(notice.file))
            notice.file = None


def content_type_of(start: bytes) -> str:
    """Return the type of a file by its first 12 bytes: that of an image, or the one for bytes of any kind."""
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    found = (content_type for signature, content_type in _SIGNATURES if start.startswith(signature))
    return next(found, "application/octet-stream")


def tidy(text: str) -> str:
    """Return a text without control characters and lone surrogates, and without blanks around it."""
    letters = (letter for letter in "\n".join(text.splitlines()) if letter in "\n\t" or _is_visible(letter))
    return "".join(letters).strip()


def _is_visible(letter: str) -> bool:
    return unicodedata.category(letter) not in ("Cc", "Cs")


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
