import asyncio
from urllib.parse import urlsplit

import engineio
from talking import failed, say, urls


async def main(url):
    client = engineio.AsyncClient()
    client.on("disconnect", lambda reason: say("closed", code=None, reason=reason))
    place = urlsplit(url)
    await client.connect(f"http://{place.netloc}", transports=["websocket"], engineio_path=place.path.strip("/"))
    await client.wait()


try:
    asyncio.run(main(urls()[0]))
except Exception as error:
    failed(error)
