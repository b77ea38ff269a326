import time

from talking import answer, failed, say, urls
from ws4py.client.threadedclient import WebSocketClient


class Client(WebSocketClient):
    def received_message(self, message):
        pause, reply = answer(str(message) if message.is_text else message.data)
        time.sleep(pause)
        self.send(reply)

    def closed(self, code, reason=None):
        say("closed", code=code, reason=reason.decode() if isinstance(reason, bytes) else reason)


try:
    client = Client(urls()[0])
    client.connect()
    client.run_forever()
except Exception as error:
    failed(error)
