import time

from signalrcore.hub_connection_builder import HubConnectionBuilder
from talking import failed, say, urls

for url in urls():
    options = {"type": "raw", "keep_alive_interval": 10, "reconnect_interval": 1, "max_attempts": 5}
    builder = HubConnectionBuilder().with_url(url, options={"skip_negotiation": True}).with_automatic_reconnect(options)
    hub = builder.build()
    hub.on_close(lambda: say("closed", code=None, reason=None))
    hub.on_error(lambda message: say("failed", text=str(message)[:300], status=None))
    try:
        hub.start()
    except Exception as error:
        failed(error)
time.sleep(120)
