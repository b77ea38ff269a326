// npm centrifuge against a server: `node centrifuge.mjs PORT TRANSPORT`. Prints what it saw, as JSON.
import { Centrifuge } from "centrifuge";
import { EventSource } from "eventsource";
import WebSocket from "ws";

const [port, transport] = process.argv.slice(2);
const base = `http://127.0.0.1:${port}`;
const endpoints = {
  websocket: `ws://127.0.0.1:${port}/connection/websocket`,
  http_stream: `${base}/connection/http_stream`,
  sse: `${base}/connection/sse`,
};
const client = new Centrifuge([{ transport, endpoint: endpoints[transport] }], {
  websocket: WebSocket,
  eventsource: EventSource,
  fetch,
  readableStream: ReadableStream,
  emulationEndpoint: `${base}/emulation`,
  minReconnectDelay: 10,
  getToken: async () => "",
});
const seen = [];
const connected = [];
const once = (emitter, event) => new Promise((resolve) => emitter.once(event, resolve));
client.on("connected", (context) => connected.push(context.transport));
const room = client.newSubscription("room:1", { joinLeave: true });
let enough;
const all = new Promise((resolve) => (enough = resolve));
room.on("publication", ({ data }) => {
  seen.push(data);
  if (seen.length === 20) enough();
});
room.subscribe();
client.connect();
await once(room, "subscribed");
for (let number = 0; number < 10; number++) await room.publish(number);
const presence = (await room.presenceStats()).numClients;
const sum = (await client.rpc("add", { a: 1, b: 2 })).data;
// The server closes the connection, and publishes before this client is back.
const again = once(room, "subscribed");
client.rpc("leave", {}).catch(() => {});
const { recovered } = await again;
await all;
const history = (await room.history({ limit: -1 })).publications.length;
let refused = null;
try {
  await client.rpc("none", {});
} catch (error) {
  refused = error.code;
}
client.disconnect();
console.log(JSON.stringify({ seen, connected, presence, sum, recovered, history, refused }));
process.exit(0);
