import WebSocket from "ws";
import ReconnectingWebSocket from "reconnecting-websocket";

for (const url of process.argv.slice(2)) new ReconnectingWebSocket(url, [], { WebSocket });
