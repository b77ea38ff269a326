import WebSocket from "ws";
import { WebsocketProvider } from "y-websocket";
import { Doc } from "yjs";

for (const url of process.argv.slice(2)) {
  new WebsocketProvider(url, "room", new Doc(), { WebSocketPolyfill: WebSocket, disableBc: true });
}
