import asyncio

from talking import failed, urls
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


async def stay(url):
    try:
        async for websocket in connect(url):
            try:
                async for _ in websocket:
                    pass
            except ConnectionClosed:
                continue
    except Exception as error:
        failed(error)


async def main():
    await asyncio.gather(*map(stay, urls()))


asyncio.run(main())
