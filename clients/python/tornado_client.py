import asyncio

from talking import answer, failed, say, urls
from tornado.websocket import websocket_connect


async def main(url):
    websocket = await websocket_connect(url)
    while (message := await websocket.read_message()) is not None:
        pause, reply = answer(message)
        await asyncio.sleep(pause)
        await websocket.write_message(reply)
    say("closed", code=websocket.close_code, reason=websocket.close_reason)


try:
    asyncio.run(main(urls()[0]))
except Exception as error:
    failed(error)
