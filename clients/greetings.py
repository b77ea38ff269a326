"""The first exchange of the protocols above websockets, so that their clients consider themselves connected."""

from __future__ import annotations

from clients.probe import Connection

# SignalR ends each record with this.
RECORD_END = "\x1e"
MQTT_CONNACK = bytes((0x20, 2, 0, 0))
ENGINEIO_OPEN = '0{"sid":"probe","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'


async def greet(connection: Connection, protocol: str) -> None:
    """Greet a client as a server of its protocol does.

    Arguments:
        protocol: `mqtt`, `engineio`, `socketio`, `signalr`, `graphql`, `actioncable`, or nothing for plain websockets.
    """
    if protocol == "mqtt":
        await connection.message()  # CONNECT
        await connection.send(MQTT_CONNACK)
    elif protocol == "engineio":
        await connection.send(ENGINEIO_OPEN)
    elif protocol == "socketio":
        await connection.send(ENGINEIO_OPEN)
        await connection.message()  # 40, the default namespace
        await connection.send('40{"sid":"probe"}')
    elif protocol == "signalr":
        await connection.message()  # {"protocol": "json", "version": 1}
        await connection.send("{}" + RECORD_END)
    elif protocol == "graphql":
        await connection.message()  # connection_init
        await connection.send('{"type":"connection_ack"}')
    elif protocol == "actioncable":
        await connection.send('{"type":"welcome"}')
