import asyncio

from curl_cffi import AsyncSession, CurlWsFlag
from curl_cffi.requests.websockets import WebSocketClosed
from talking import answer, failed, say, urls


async def main(url):
    async with AsyncSession() as session, session.ws_connect(url) as websocket:
        try:
            while True:
                data, flags = await websocket.recv()
                pause, reply = answer(data.decode() if flags & CurlWsFlag.TEXT else data)
                await asyncio.sleep(pause)
                await websocket.send_str(reply)
        except WebSocketClosed:
            say("closed", code=websocket.close_code, reason=websocket.close_reason)


try:
    asyncio.run(main(urls()[0]))
except Exception as error:
    failed(error)
