import WebSocket from "ws";
import { createClient } from "graphql-ws";

for (const url of process.argv.slice(2)) {
  createClient({ url, webSocketImpl: WebSocket, lazy: false, onNonLazyError: () => {} });
}
