import asyncio
from urllib.parse import urlsplit

import aiomqtt
from talking import failed, say, urls


async def main(url):
    place = urlsplit(url)
    async with aiomqtt.Client(
        place.hostname, place.port, transport="websockets", websocket_path=place.path, timeout=5
    ) as client:
        async for _ in client.messages:
            pass
    say("closed", code=None, reason=None)


try:
    asyncio.run(main(urls()[0]))
except Exception as error:
    failed(error)
