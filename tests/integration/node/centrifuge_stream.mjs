// The stream of a method with npm centrifuge, which loses its connection in the middle: `node centrifuge_stream.mjs PORT`.
import { Centrifuge } from "centrifuge";
import WebSocket from "ws";

const client = new Centrifuge(`ws://127.0.0.1:${process.argv[2]}/connection/websocket`, {
  websocket: WebSocket,
  minReconnectDelay: 10,
});
let connected = 0;
client.on("connected", () => (connected += 1));
client.connect();
const { data } = await client.rpc("count", {});
const stream = client.newSubscription(data.channel, { since: { epoch: data.epoch, offset: data.offset } });
const items = [];
const recovered = [];
stream.on("subscribed", (context) => recovered.push(context.recovered));
const end = new Promise((resolve) =>
  stream.on("publication", ({ data }) => {
    items.push(data);
    // The server waits for this before it ends the connection, and goes on with the stream.
    if (items.length === 10) client.send({ method: "part_of_it_is_here" });
    if (data.end) resolve();
  }),
);
stream.subscribe();
await end;
client.disconnect();
console.log(JSON.stringify({ connected, recovered, items }));
process.exit(0);
