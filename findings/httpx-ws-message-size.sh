#!/usr/bin/env bash
# httpx-ws 0.9.0: `max_message_size_bytes` does not limit the size of messages.
#
# Expected: with the default of 65,536 a larger message is refused with 1009, as the name suggests, and as websockets, aiohttp
# and tornado do.
# Found: the setting is the size of a read from the network. A message of 16 MiB arrives in full.
#
# Output seen:
#   limit 65536, received 16777216
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check httpx-ws==0.9.0 websockets==17.4 2>/dev/null
cat >finding.py <<'EOF'
import asyncio
import inspect
import sys

import httpx_ws
from websockets.asyncio.server import serve

SIZE = 16 * 1024 * 1024


async def handler(connection):
    await connection.send(b"x" * SIZE)
    await connection.wait_closed()


async def main():
    limit = inspect.signature(httpx_ws.aconnect_ws).parameters["max_message_size_bytes"].default
    async with serve(handler, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with httpx_ws.aconnect_ws(f"ws://127.0.0.1:{port}") as websocket:
            received = len(await websocket.receive_bytes())
    print(f"limit {limit}, received {received}")
    return limit == 65536 and received == SIZE


sys.exit(0 if asyncio.run(main()) else 1)
EOF
env/bin/python finding.py
