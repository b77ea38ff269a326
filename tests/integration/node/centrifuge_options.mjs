// npm centrifuge with deltas, a tag filter and channels by number: `node centrifuge_options.mjs PORT ENCODING
// TRANSPORT`. Prints what it saw, as JSON.
import { Centrifuge as JSONCentrifuge } from "centrifuge";
import { Centrifuge as ProtobufCentrifuge } from "centrifuge/build/protobuf";
import { EventSource } from "eventsource";
import WebSocket from "ws";

const [port, encoding, transport] = process.argv.slice(2);
const base = `http://127.0.0.1:${port}`;
const endpoint = transport === "websocket" ? `ws://127.0.0.1:${port}/connection/websocket` : `${base}/connection/${transport}`;
const isBinary = encoding === "protobuf";
const client = new (isBinary ? ProtobufCentrifuge : JSONCentrifuge)([{ transport, endpoint }], {
  websocket: WebSocket,
  eventsource: EventSource,
  fetch,
  readableStream: ReadableStream,
  emulationEndpoint: `${base}/emulation`,
  minReconnectDelay: 10,
});
const read = (data) => (isBinary ? JSON.parse(new TextDecoder().decode(data)) : data);
const write = (data) => (isBinary ? new TextEncoder().encode(JSON.stringify(data)) : data);
const once = (emitter, event) => new Promise((resolve) => emitter.once(event, resolve));
const seen = { board: [], price: [] };
const waiting = [];
const look = () => waiting.forEach((each) => seen[each.name].length >= each.count && each.resolve());
const until = (name, count) => new Promise((resolve) => (waiting.push({ name, count, resolve }), look()));
const collect = (name) => ({ data }) => (seen[name].push(read(data).number), look());
const board = client.newSubscription("board:1", { delta: "fossil" });
const price = client.newSubscription("price:all", { tagsFilter: { key: "ticker", cmp: "eq", val: "BTC" } });
board.on("publication", collect("board"));
price.on("publication", collect("price"));
board.subscribe();
price.subscribe();
client.connect();
await Promise.all([once(board, "subscribed"), once(price, "subscribed")]);
const numbered = [board._id > 0, price._id > 0, board._id !== price._id];
const transports = [];
client.on("connected", (context) => transports.push(context.transport));
await client.rpc("publish", write({ first: 0, end: 20 }));
await Promise.all([until("board", 20), until("price", 10)]);
// The server closes the connection, and publishes before this client is back.
const again = [once(board, "subscribed"), once(price, "subscribed")];
client.rpc("leave", write({})).catch(() => {});
const recovered = (await Promise.all(again)).map((context) => context.recovered);
await Promise.all([until("board", 30), until("price", 15)]);
await client.rpc("publish", write({ first: 30, end: 40 }));
await Promise.all([until("board", 40), until("price", 20)]);
const { numPublications, numDeltaPayloads, bytesReceived, bytesDecoded } = board.deltaStats();
client.disconnect();
console.log(
  JSON.stringify({ ...seen, numbered, transports, recovered, numPublications, numDeltaPayloads, ratio: bytesDecoded / bytesReceived }),
);
process.exit(0);
