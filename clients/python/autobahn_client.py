import asyncio
from urllib.parse import urlsplit

from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol
from talking import answer, failed, say, urls


class Client(WebSocketClientProtocol):
    async def onMessage(self, payload, isBinary):  # noqa: N802, N803 - the names of autobahn
        pause, reply = answer(payload if isBinary else payload.decode())
        await asyncio.sleep(pause)
        self.sendMessage(reply.encode())

    def onClose(self, wasClean, code, reason):  # noqa: N802, N803
        say("closed", code=code, reason=reason)
        done.set_result(None)


async def main(url):
    factory = WebSocketClientFactory(url)
    factory.protocol = Client
    place = urlsplit(url)
    await asyncio.get_running_loop().create_connection(factory, place.hostname, place.port)
    await done


loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
done = loop.create_future()
try:
    loop.run_until_complete(main(urls()[0]))
except Exception as error:
    failed(error)
