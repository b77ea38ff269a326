#!/usr/bin/env bash
# Three Python clients do not answer Pings as a server expects: aiohttp 3.14.5, curl_cffi 0.17.0, signalrcore 1.0.2.
#
# Expected: RFC 6455, 5.5.2: an endpoint answers a Ping "as soon as is practical", whatever the program is doing.
# Found: aiohttp answers only while the program is in `receive()`, curl_cffi (libcurl) only with the next message that the
# program sends, and signalrcore never. A server that drops peers without a Pong drops programs that are listening or busy.
#
# Output seen (Pong within 3 s while the program listens; while it sleeps; at the latest with the next message):
#   websockets yes yes yes
#   aiohttp yes no yes
#   curl_cffi no no yes
#   signalrcore no
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check aiohttp==3.14.5 curl_cffi==0.17.0 signalrcore==1.0.2 websockets==17.4 2>/dev/null
cat >finding.py <<'EOF'
import asyncio
import sys
import threading

import aiohttp
from curl_cffi import AsyncSession
from signalrcore.hub_connection_builder import HubConnectionBuilder
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

SLEEP = 5


async def websockets_client(url):
    async with connect(url) as websocket:
        async for message in websocket:
            if message == "sleep":
                await asyncio.sleep(SLEEP)
            await websocket.send("done")


async def aiohttp_client(url):
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as websocket:
        async for message in websocket:
            if message.data == "sleep":
                await asyncio.sleep(SLEEP)
            await websocket.send_str("done")


async def curl_client(url):
    async with AsyncSession() as session, session.ws_connect(url) as websocket:
        while True:
            message = await websocket.recv_str()
            if message == "sleep":
                await asyncio.sleep(SLEEP)
            await websocket.send_str("done")


async def signalr_client(url):
    hub = HubConnectionBuilder().with_url(url, options={"skip_negotiation": True}).build()
    threading.Thread(target=hub.start, daemon=True).start()
    await asyncio.sleep(60)


async def look(client, talks=True):
    found = asyncio.get_running_loop().create_future()

    async def answered(pong):
        try:
            async with asyncio.timeout(3):
                await asyncio.shield(pong)
        except TimeoutError:
            return "no"
        return "yes"

    async def handler(connection):
        if not talks:
            await connection.recv()
            await connection.send("{}\x1e")
            found.set_result([await answered(await connection.ping())])
            return
        listening = await answered(await connection.ping())
        await connection.send("sleep")
        pong = await connection.ping()
        sleeping = await answered(pong)
        await connection.recv()
        found.set_result([listening, sleeping, await answered(pong)])

    async with serve(handler, "127.0.0.1", 0, ping_interval=None) as server:
        task = asyncio.create_task(client(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"))
        result = await found
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return result


async def main():
    results = {
        "websockets": await look(websockets_client),
        "aiohttp": await look(aiohttp_client),
        "curl_cffi": await look(curl_client),
        "signalrcore": await look(signalr_client, talks=False),
    }
    for name, answers in results.items():
        print(name, *answers, flush=True)
    return results == {
        "websockets": ["yes", "yes", "yes"],
        "aiohttp": ["yes", "no", "yes"],
        "curl_cffi": ["no", "no", "yes"],
        "signalrcore": ["no"],
    }


import os
good = asyncio.run(main())
os._exit(0 if good else 1)
EOF
env/bin/python finding.py 2>/dev/null
