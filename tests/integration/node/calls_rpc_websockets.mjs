// Calls and listens with rpc-websockets. Called with the port of the server.
import assert from "node:assert/strict";
import { once } from "node:events";
import { Client } from "rpc-websockets";

const client = new Client(`ws://127.0.0.1:${process.argv[2]}/api`, { reconnect: false });
await once(client, "open");
assert.equal(await client.call("add", { a: 1, b: 2 }), 3);
assert.equal(await client.call("add", [1, 2]), 3);
assert.equal(await client.call("nothing"), null);
const sums = await Promise.all(Array.from({ length: 50 }, (_, index) => client.call("add", [index, 1])));
assert.deepEqual(sums, Array.from({ length: 50 }, (_, index) => index + 1));

const error = await client.call("refuse", [17]).then(() => assert.fail("not refused"), (error) => error);
assert.deepEqual([error.code, error.message, error.data], [17, "no seats left", { wait: 5 }]);
const unknown = await client.call("rpc.login", {}).then(() => assert.fail("not refused"), (error) => error);
assert.equal(unknown.code, -32601);

// A call by the server must not be mistaken for the reply to a call of the client, whose ids are numbers.
const added = once(client, "added");
await client.notify("added", ["ada", 2]);
const [event] = await added;
assert.deepEqual(event, { name: "ada", count: 2 });
const items = [];
client.on("$/progress", (item) => items.push(item.value));
assert.equal(await client.call("count", { to: 3 }), null);
assert.deepEqual(items, [0, 1, 2]);
client.close();
await once(client, "close");
console.log("all as expected");
process.exit(0);
