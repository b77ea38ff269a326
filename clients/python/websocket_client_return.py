import threading

from talking import urls
from websocket import WebSocketApp

for url in urls():
    threading.Thread(target=WebSocketApp(url).run_forever, kwargs={"reconnect": 1}).start()
