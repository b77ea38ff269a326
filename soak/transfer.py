"""A file of a gigabyte is uploaded in a form and downloaded again, in constant memory (issue 4)."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import click
import uvloop

ROOT = Path(__file__).resolve().parent.parent
if __package__ in (None, ""):
    sys.path.insert(0, str(ROOT))

from soak.run import follow, start_server, usage  # noqa: E402 - the path comes first

MIB = 1024 * 1024
# KiB by which the server's memory may grow in total: its own chunks, and what the allocator keeps of them.
ALLOWED = 16 * 1024
BOUNDARY = b"a-boundary-of-the-soak"
CHUNK = bytes(range(256)) * 1024


async def upload(port: int, size: int) -> str:
    """Send a form with a file of some size, and return the server's answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    disposition = b'Content-Disposition: form-data; name="file"; filename="big.bin"'
    head = b"--" + BOUNDARY + b"\r\n" + disposition + b"\r\n\r\n"
    tail = b"\r\n--" + BOUNDARY + b"--\r\n"
    writer.write(
        b"POST /upload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Content-Type: multipart/form-data; boundary=%b\r\nContent-Length: %d\r\n\r\n"
        % (BOUNDARY, len(head) + size + len(tail))
    )
    writer.write(head)
    for _ in range(size // len(CHUNK)):
        writer.write(CHUNK)
        await writer.drain()
    writer.write(tail)
    answer = await reader.read()
    writer.close()
    return answer.partition(b"\r\n\r\n")[2].decode()


async def download(port: int, path: str) -> int:
    """Read a file, and return the number of received bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /download{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    received = 0
    while chunk := await reader.read(MIB):
        received += len(chunk)
    writer.close()
    return received


async def run(size: int) -> int:
    """Run the test, and return the exit status."""
    log: list[str] = []
    server, port = await start_server(log)
    following = asyncio.create_task(follow(server, log))
    faults: list[str] = []
    try:
        # Do not count what the first upload and download import and allocate.
        await upload(port, len(CHUNK))
        before = await usage(port)
        began = time.monotonic()
        answer = await upload(port, size)
        if answer != f'{{"size":{size},"read":{size}}}':
            faults.append(f"the server says {answer!r} of an upload of {size} bytes")
        uploaded = time.monotonic()
        with tempfile.NamedTemporaryFile() as file:
            file.truncate(size)
            received = await download(port, file.name)
        if received != size:
            faults.append(f"{received} bytes of {size} came down")
        downloaded = time.monotonic()
        after = await usage(port)
    finally:
        server.terminate()
        status = await server.wait()
        await following
    click.echo(
        f"up: {size / MIB / (uploaded - began):,.0f} MiB/s, down: {size / MIB / (downloaded - uploaded):,.0f} MiB/s"
    )
    click.echo(f"memory in KiB: {before['memory']:,} before, {after['memory']:,} after, {after['peak']:,} at most")
    if after["peak"] - before["memory"] > ALLOWED:
        faults.append(f"memory grew by more than {ALLOWED:,} KiB")
    if after["descriptors"] != before["descriptors"] or status != 0:
        faults.append(f"descriptors {before['descriptors']} and {after['descriptors']}, exit status {status}")
    faults += [line.strip() for line in log if "Traceback" in line or "ERROR" in line]
    click.echo("\n".join(["FAILED", *faults]) if faults else "passed")
    return 1 if faults else 0


@click.command()
@click.option("--size", default=1024, show_default=True, help="MiB.")
def main(size: int) -> None:
    """Upload and download a big file; the exit status is 1 if memory was not constant."""
    sys.exit(uvloop.run(run(size * MIB)))


if __name__ == "__main__":
    main()
