"""A folder of static files for these tests, and requests for them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from emmett.http import Response, StaticFiles
from tests.http.builders import make_request

# Sun, 06 Nov 1994 08:49:37 GMT.
MODIFIED = 784111777
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"


def write(file: Path, content: bytes, modified: float = MODIFIED) -> None:
    """Write a file that was last changed at this second."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    os.utime(file, ns=(int(modified * 10**9),) * 2)


async def get(
    folder: Path,
    filename: str,
    method: str = "GET",
    *,
    max_age: int = 0,
    version: str | None = None,
    fields: Mapping[str, str] | None = None,
    **more: str,
) -> Response:
    """Request a file, with these header fields: `if_none_match="*"`, or several in a dict."""
    headers = [(name.replace("_", "-"), value) for name, value in {**(fields or {}), **more}.items()]
    request = make_request(method, headers=headers)
    return await StaticFiles(folder).respond(request, filename, max_age=max_age, version=version)
