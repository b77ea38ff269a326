import time

from talking import answer, failed, say, urls
from websocket import WebSocketApp


def on_message(app, message):
    pause, reply = answer(message)
    time.sleep(pause)
    app.send(reply)


app = WebSocketApp(
    urls()[0],
    on_message=on_message,
    on_error=lambda app, error: failed(error),
    on_close=lambda app, code, reason: say("closed", code=code, reason=reason),
)
app.run_forever()
