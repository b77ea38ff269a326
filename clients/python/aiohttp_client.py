import asyncio

import aiohttp
from talking import answer, failed, say, urls


async def main(url):
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as websocket:
        while True:
            message = await websocket.receive()
            if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                break
            pause, reply = answer(message.data)
            await asyncio.sleep(pause)
            await websocket.send_str(reply)
        if message.type == aiohttp.WSMsgType.ERROR:
            failed(message.data)
        say("closed", code=websocket.close_code, reason=message.extra)


try:
    asyncio.run(main(urls()[0]))
except Exception as error:
    failed(error)
