"""wse-server in its drain mode, which its documentation recommends: Python takes messages in batches from Rust."""

from __future__ import annotations

from wse_server import RustWSEServer

from benchmarks.server_options import ServerOptions


def main() -> None:
    """Echo every text, or send it to all."""
    options = ServerOptions.from_environment()
    # Beyond 10,000 messages a second it would ask a client to slow down, in a message that no scenario expects.
    limits = {"rate_limit_capacity": 1e12, "rate_limit_refill": 1e12}
    server = RustWSEServer(options.host, options.port, max_connections=20_000, **limits)
    server.enable_drain_mode()
    server.start()
    while True:
        for kind, connection, message in server.drain_inbound(256, 50):
            if kind != "raw":
                continue
            if options.mode == "broadcast":
                server.broadcast_all(message)
            else:
                server.send(connection, message)


if __name__ == "__main__":
    main()
