import { createClient } from "graphql-ws";
import { WebSocket } from "undici";

for (const url of process.argv.slice(2)) {
  createClient({ url, webSocketImpl: WebSocket, lazy: false, onNonLazyError: () => {} });
}
