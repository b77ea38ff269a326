import time
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from talking import failed, say, urls

for url in urls():
    place = urlsplit(url)
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, transport="websockets")
    client.ws_set_options(path=place.path)
    client.on_disconnect = lambda client, data, flags, code, properties: say("closed", code=None, reason=str(code))
    try:
        client.connect(place.hostname, place.port)
        client.loop_start()
    except Exception as error:
        failed(error)
time.sleep(120)
