import time

import niquests
from talking import answer, failed, say, urls

try:
    with niquests.Session() as session:
        response = session.get(urls()[0])
        if response.extension is None:
            say(
                "failed",
                text=f"no exception; response.status_code is {response.status_code}",
                status=response.status_code,
            )
        else:
            while (message := response.extension.next_payload()) is not None:
                pause, reply = answer(message)
                time.sleep(pause)
                response.extension.send_payload(reply)
            say("closed", code=None, reason=None)
except Exception as error:
    failed(error)
