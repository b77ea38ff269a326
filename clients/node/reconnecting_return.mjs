import ReconnectingWebSocket from "reconnecting-websocket";
import { WebSocket } from "undici";

for (const url of process.argv.slice(2)) new ReconnectingWebSocket.default(url, [], { WebSocket });
