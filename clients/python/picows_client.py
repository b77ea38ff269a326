import asyncio

from picows.websockets.asyncio.client import connect
from picows.websockets.exceptions import ConnectionClosed
from talking import answer, failed, say, urls


async def main(url):
    async with connect(url) as websocket:
        try:
            async for message in websocket:
                pause, reply = answer(message)
                await asyncio.sleep(pause)
                await websocket.send(reply)
        except ConnectionClosed:
            pass
        say("closed", code=websocket.close_code, reason=websocket.close_reason)


try:
    asyncio.run(main(urls()[0]))
except Exception as error:
    failed(error)
