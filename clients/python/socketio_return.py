import asyncio
from urllib.parse import urlsplit

import socketio
from talking import failed, urls


async def stay(url):
    client = socketio.AsyncClient()
    place = urlsplit(url)
    try:
        await client.connect(
            f"http://{place.netloc}", transports=["websocket"], socketio_path=place.path.strip("/"), wait_timeout=5
        )
        await client.wait()
    except Exception as error:
        failed(error)
    await asyncio.sleep(120)


async def main():
    await asyncio.gather(*map(stay, urls()))


asyncio.run(main())
