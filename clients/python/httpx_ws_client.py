import asyncio

import httpx_ws
import wsproto.events
from talking import answer, failed, say, urls


async def main(url):
    async with httpx_ws.aconnect_ws(url) as websocket:
        try:
            while True:
                event = await websocket.receive()
                text = isinstance(event, wsproto.events.TextMessage)
                pause, reply = answer(event.data if text else bytes(event.data))
                await asyncio.sleep(pause)
                await websocket.send_text(reply)
        except httpx_ws.WebSocketDisconnect as closed:
            say("closed", code=closed.code, reason=closed.reason)


try:
    asyncio.run(main(urls()[0]))
except Exception as error:
    failed(error)
