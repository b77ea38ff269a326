"""Multipart forms: `multipart/form-data` (RFC 7578), parsed as it arrives."""

from __future__ import annotations

import asyncio
import re
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    StrictParserError,
    parse_options_header,
)

from ..datastructures import Headers, sdict
from ..errors import RequestError, UsageError
from .body import Body
from .multipart_delimiters import Delimiters
from .uploads import Spool, UploadedFile

# The maximum number of header fields of a part, and their total size. Browsers send two; one contains the file name.
MAX_PART_FIELDS = 8
MAX_PART_HEAD = 4096
# The maximum size of a file name in bytes, as in common file systems.
MAX_FILENAME = 255

# RFC 2046, 5.1.1.
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# Control characters, and those that change the visual order of a name (Unicode Standard Annex 9).
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"?')
_EXTENDED_NAME = re.compile(r";[ \t]*filename\*[ \t]*=[ \t]*([^';]*)'[^';]*'([^; \t]*)", re.IGNORECASE)
# The charsets in which forms are sent (WHATWG Encoding, 4.2). Python's other codecs cannot be reached: some take
# quadratic time, and each unknown name stays in memory.
_CHARSETS = {
    *("utf-8", "utf8", "us-ascii", "ascii", "latin1", "latin-1", "macintosh", "ibm866", "koi8-r", "koi8-u"),
    *(f"iso-8859-{number}" for number in (*range(1, 12), *range(13, 17))),
    *(f"windows-{number}" for number in range(1250, 1259)),
    *("gbk", "gb2312", "gb18030", "big5", "euc-jp", "iso-2022-jp", "shift_jis", "euc-kr"),
}
_ENCODINGS = ("", "7bit", "8bit", "binary")
# Media types whose content is text. A part of another type is bytes, with or without a file name.
_TEXT_TYPE = re.compile(
    r"|text/.*|.*\+(?:json|xml|yaml)|application/(?:json|xml|yaml|graphql|javascript|x-www-form-urlencoded)"
)

Value = TypeVar("Value")

ACCEPTED = "multipart/form-data, application/x-www-form-urlencoded, application/json"


class MultipartForm:
    """The form in the body of one request. Nothing is read before `read` is awaited.

    Arguments:
        body: the body, not yet streamed.
        content_type: the value of the Content-Type header.
        max_fields: the maximum number of parts, fields and files together.
        max_memory: the maximum number of bytes to keep in memory; larger files go to disk.

    Attributes:
        fields: the text fields: `str`, `list[str]` when repeated.
        files: the files: `UploadedFile`, a list of them when repeated. An `<input type="file">` without a selection
            is left out.

    Raises:
        RequestError: 415 for other multipart types, 400 if the boundary is missing or invalid by RFC 2046.
    """

    __slots__ = (
        "_body",
        "_chunks",
        "_complete",
        "_error",
        "_lock",
        "_max_memory",
        "_parser",
        "_spool",
        "fields",
        "files",
    )

    def __init__(self, body: Body, content_type: str, *, max_fields: int, max_memory: int) -> None:
        self.fields: sdict[str | list[str]] = sdict()
        self.files: sdict[UploadedFile | list[UploadedFile]] = sdict()
        self._body = body
        self._max_memory = max_memory
        self._spool = Spool()
        self._parser = _FormParser(_boundary(content_type), self._spool, max_fields, max_memory)
        self._chunks: Any = None
        self._complete = False
        self._error: Exception | None = None
        # One task reads. If it is cancelled, the next one continues where it stopped.
        self._lock = asyncio.Lock()

    async def read(self) -> None:
        """Read the form if it has not been read yet. Any number of tasks may wait for it.

        Raises:
            RequestError: 400 for a form that violates RFC 7578 or ends early, 413 for one with too many parts, too much
                text or too large heads of parts; and any error that reading the body raises.
            OSError: a file could not be written to disk.
            UsageError: the body was streamed before, or the form is closed.
        """
        async with self._lock:
            if self._error is not None:
                raise self._error.with_traceback(None)
            if self._complete:
                return
            if self._spool.closed:
                raise UsageError("the form of a request cannot be read after the request has been answered")
            try:
                await self._read()
                self.fields, self.files = self._parser.results()
            except (RequestError, OSError) as error:
                self._error = error
                await self._spool.aclose()
                raise
            self._complete = True

    async def _read(self) -> None:
        # A cancellation loses nothing: everything received is in the parser or the spool before the next `await`.
        parser, spool = self._parser, self._spool
        if self._chunks is None:
            self._chunks = aiter(self._body)
        async for chunk in self._chunks:
            # The form can be closed during any `await`, and its thread then discards what this loop has added.
            spool.refuse_closed()
            parser.feed(chunk)
            if spool.is_spilling or parser.text_size + spool.in_memory > self._max_memory:
                await spool.spill()
        parser.finish()
        while spool.is_spilling:
            await spool.spill()
        spool.refuse_closed()

    async def aclose(self) -> None:
        """Discard the files, including temporary ones. It can be called several times."""
        await self._spool.aclose()


class _Part:
    """One part of a form: a file if it has a file name or a type that is not text, otherwise a text field."""

    __slots__ = ("extended_filename", "has_filename", "is_field", "name", "segment", "size", "start", "value")

    def __init__(self, segment: Any, start: int) -> None:
        self.segment = segment
        # Bytes decoded as latin-1: a later part may specify their encoding.
        self.name: str = segment.name
        self.extended_filename = _extended_filename(segment.header("Content-Disposition", ""))
        self.has_filename = segment.filename is not None or self.extended_filename is not None
        self.is_field = not self.has_filename and (
            segment.charset is not None or _TEXT_TYPE.fullmatch((segment.content_type or "").lower()) is not None
        )
        # For a field.
        self.value = bytearray()
        # For a file: its start in the spool.
        self.start = start
        self.size = 0

    def filename(self, charset: str) -> str:
        """Return the name of a file as it was sent."""
        return self.extended_filename or _decode(self.segment.filename or "", charset)


class _FormParser:
    """Parses chunks into parts. It does no I/O."""

    __slots__ = (
        "_delimiters",
        "_ended",
        "_is_empty",
        "_max_fields",
        "_max_memory",
        "_parser",
        "_parts",
        "_spool",
        "text_size",
    )

    def __init__(self, boundary: bytes, spool: Spool, max_fields: int, max_memory: int) -> None:
        # Bytes in the names and values of text fields.
        self.text_size = 0
        self._spool = spool
        self._max_fields = max_fields
        self._max_memory = max_memory
        self._is_empty = True
        self._delimiters = Delimiters(boundary)
        self._parser = PushMultipartParser(
            boundary,
            # Slightly more than `_check_head` allows, so that it decides: the parser also counts half a line end.
            max_header_size=MAX_PART_HEAD + 16,
            max_header_count=MAX_PART_FIELDS,
            header_charset="latin-1",
            strict=True,
        )
        self._parts: list[_Part] = []
        self._ended = False

    def feed(self, chunk: bytes) -> None:
        """Parse a chunk.

        Raises:
            RequestError: the form is malformed or too large.
        """
        self._is_empty = False
        self._parse(self._delimiters.feed(chunk))

    def finish(self) -> None:
        """Handle the end of the body.

        Raises:
            RequestError: the form has not ended.
        """
        if self._is_empty:
            # No body at all, as in a GET request, is a form without fields.
            return
        if not self._delimiters.begun:
            raise _broken("it ends without its final delimiter: no line of it begins with its boundary")
        self._parse(self._delimiters.flush())
        if not (self._ended or self._has_final_delimiter()):
            raise _broken("it ends without its final delimiter")

    def results(self) -> tuple[sdict[str | list[str]], sdict[UploadedFile | list[UploadedFile]]]:
        """Return the fields and the files.

        Raises:
            RequestError: a field has an unknown charset.
        """
        fields: sdict[str | list[str]] = sdict()
        files: sdict[UploadedFile | list[UploadedFile]] = sdict()
        charset = self._default_charset()
        for part in self._parts:
            name = _decode(part.name, charset)
            if part.is_field:
                own = part.segment.charset
                value = part.value.decode(charset if own is None else _charset(own), "replace")
                _add(fields, name, value)
            elif part.size or part.filename(charset) or not part.has_filename:
                _add(files, name, self._file(part, charset))
        return fields, files

    def _parse(self, chunk: bytes) -> None:
        # Content after the final delimiter has no meaning (RFC 2046, 5.1.1).
        if self._ended or not chunk:
            return
        try:
            for event in self._parser.parse(chunk):
                if isinstance(event, MultipartSegment):
                    self._begin_part(event)
                elif event is not None:
                    self._add_content(event)
        except ParserLimitReached:
            raise _too_large_head() from None
        except StrictParserError as error:
            self._ended = self._has_final_delimiter()
            if not self._ended:
                raise _broken(str(error.args[0])) from None
        except MultipartError as error:
            raise _broken(str(error.args[0])) from None

    def _begin_part(self, segment: Any) -> None:
        if len(self._parts) == self._max_fields:
            raise RequestError(413, f"the form has more than the {self._max_fields} fields allowed")
        _check_head(segment.headerlist)
        part = _Part(segment, self._spool.size)
        self._parts.append(part)
        if part.is_field:
            self._count_text(len(part.name))

    def _add_content(self, content: bytes) -> None:
        part = self._parts[-1]
        if part.is_field:
            self._count_text(len(content))
            part.value += content
        else:
            part.size += len(content)
            self._spool.write(content)

    def _count_text(self, size: int) -> None:
        self.text_size += size
        if self.text_size > self._max_memory:
            raise RequestError(413, f"the text fields of the form are larger than the {self._max_memory} bytes allowed")

    def _has_final_delimiter(self) -> bool:
        try:
            self._parser.close()
        except MultipartError:
            return False
        return True

    def _default_charset(self) -> str:
        """Return the encoding of text that does not specify one: the value of the field `_charset_` (RFC 7578, 4.6)."""
        told = next((part.value for part in self._parts if part.name == "_charset_" and part.is_field), None)
        return _charset(told.decode("latin-1")) if told else "utf-8"

    def _file(self, part: _Part, charset: str) -> UploadedFile:
        fields = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in part.segment.headerlist]
        return UploadedFile(
            self._spool,
            part.start,
            part.size,
            filename=safe_filename(part.filename(charset)),
            content_type=part.segment.content_type or "application/octet-stream",
            headers=Headers(fields),
        )


def safe_filename(name: str) -> str:
    """Return a safe file name for the name that a sender specified.

    Returns the last path component, whatever the separator, without control characters and characters that change the
    text direction, cut to `MAX_FILENAME` bytes of UTF-8 with the suffix kept. Returns an empty string if nothing is
    left, or `.` or `..`.
    """
    name = _UNPRINTABLE.sub("", re.split(r"[/\\]", name)[-1])
    # A Windows drive counts as a folder.
    name = re.sub(r"^(?:[A-Za-z]:)+", "", name).strip()
    encoded = name.encode("utf-8", "replace")
    if len(encoded) > MAX_FILENAME:
        stem, dot, ending = encoded.rpartition(b".")
        if not stem or len(ending) > MAX_FILENAME // 4:
            stem, dot, ending = encoded, b"", b""
        encoded = stem[: MAX_FILENAME - len(dot + ending)] + dot + ending
        name = encoded.decode("utf-8", "ignore")
    return "" if name in (".", "..") else name


def _boundary(content_type: str) -> bytes:
    media_type, options = parse_options_header(content_type)
    if media_type != "multipart/form-data":
        raise RequestError(
            415,
            f"the type of the request body must be one of {ACCEPTED}, not {media_type[:100]!r}",
            {"Accept": ACCEPTED},
        )
    boundary: str = options.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise RequestError(
            400, "multipart/form-data needs a boundary of 1 to 70 characters in its Content-Type (RFC 2046, 5.1.1)"
        )
    return boundary.encode("ascii")


def _check_head(fields: list[tuple[str, str]]) -> None:
    names = [name for name, _ in fields]
    if len(set(names)) != len(names):
        raise _broken("a part repeats a header field")
    if sum(len(name) + len(value) for name, value in fields) > MAX_PART_HEAD:
        raise _too_large_head()
    for name, value in fields:
        if _CONTROL.search(value):
            raise _broken("a header field of a part contains a control character")
        if name == "Content-Transfer-Encoding" and value.strip(" \t").lower() not in _ENCODINGS:
            raise _broken("the Content-Transfer-Encoding of a part must be 7bit, 8bit or binary")


def _extended_filename(disposition: str) -> str | None:
    """Return the value of `filename*` (RFC 8187). RFC 7578, 4.2, forbids it in forms, but some clients send it."""
    if "*" in disposition:
        found = _EXTENDED_NAME.search(_QUOTED.sub('""', disposition))
        if found is not None and found[1].lower() in ("utf-8", "iso-8859-1"):
            return unquote_to_bytes(found[2].encode("latin-1")).decode(found[1], "replace")
    return None


def _charset(name: str) -> str:
    charset = name.strip(" \t").lower()
    if charset not in _CHARSETS:
        raise RequestError(400, f"the charset {charset[:40]!r} of a form is unknown: send UTF-8")
    return charset


def _decode(text: str, charset: str) -> str:
    return text.encode("latin-1").decode(charset, "replace")


def _add(values: sdict[Value | list[Value]], name: str, value: Value) -> None:
    earlier = dict.get(values, name)
    if earlier is None:
        values[name] = value
    elif isinstance(earlier, list):
        earlier.append(value)
    else:
        values[name] = [earlier, value]


def _broken(what: str) -> RequestError:
    return RequestError(400, f"the multipart form in the request body is broken: {what}")


def _too_large_head() -> RequestError:
    return RequestError(
        413,
        f"a part of the form has more than {MAX_PART_FIELDS} header fields, or more than {MAX_PART_HEAD} bytes of them",
    )
