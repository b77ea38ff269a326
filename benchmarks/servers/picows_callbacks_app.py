"""picows through its callbacks, on uvloop: frames are echoed as bytes, whether they are valid text or not."""

from __future__ import annotations

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from benchmarks.server_options import ServerOptions

options = ServerOptions.from_environment()


class Echo(WSListener):
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        else:
            transport.send(frame.msg_type, frame.get_payload_as_bytes())


def listen(request: WSUpgradeRequest) -> Echo:
    return Echo()


async def main() -> None:
    server = await ws_create_server(listen, options.host, options.port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
