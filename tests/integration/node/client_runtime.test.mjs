// The connection of generated TypeScript clients with a websocket and timers that the tests control.
import assert from "node:assert/strict";
import { mock, test } from "node:test";

const { CallFailed, CallTimeout, CallsConnection, ConnectionLost, QueueFull, encodeSegment, isFinal, pauseAfter } = await import(
  process.env.CLIENT
);

class FakeSocket {
  static all = [];
  bufferedAmount = 0;
  sent = [];
  closed = [];
  #listeners = {};

  constructor(url) {
    this.url = url;
    FakeSocket.all.push(this);
  }

  static get last() {
    return FakeSocket.all.at(-1);
  }

  addEventListener(type, listener) {
    this.#listeners[type] = listener;
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close(code, reason) {
    this.closed.push([code, reason]);
  }

  open() {
    this.#listeners.open({});
  }

  receive(message) {
    this.#listeners.message({ data: typeof message === "string" ? message : JSON.stringify(message) });
  }

  lose(code, reason = "") {
    this.#listeners.close({ code, reason });
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A connection, open unless `isOpen` is false, with timers that do not run. */
async function connect(context, options = {}, isOpen = true) {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  context.after(() => mock.timers.reset());
  FakeSocket.all.length = 0;
  const errors = [];
  const connection = new CallsConnection(new URL("ws://example.com/api"), {
    WebSocket: FakeSocket,
    onError: (error) => errors.push(error),
    ...options,
  });
  await settled();
  if (isOpen) FakeSocket.last.open();
  return { connection, socket: FakeSocket.last, errors };
}

const reply = (id, result) => ({ jsonrpc: "2.0", id, result });
const progress = (token, value) => ({ jsonrpc: "2.0", method: "$/progress", params: { token, value } });

test("calls are settled by the replies with their ids, in any order", async (context) => {
  const { connection, socket } = await connect(context);
  const calls = [connection.call("add", { a: 1 }), connection.call("add", { a: 2 })];
  assert.deepEqual(socket.sent, [
    { jsonrpc: "2.0", id: 1, method: "add", params: { a: 1 } },
    { jsonrpc: "2.0", id: 2, method: "add", params: { a: 2 } },
  ]);
  socket.receive([reply(2, "second"), reply(1, "first")]);
  assert.deepEqual(await Promise.all(calls), ["first", "second"]);
});

test("an error keeps its code and data", async (context) => {
  const { connection, socket } = await connect(context);
  const call = connection.call("add", {});
  socket.receive({ jsonrpc: "2.0", id: 1, error: { code: 17, message: "no seats", data: { wait: 5 } } });
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof CallFailed && error instanceof Error);
    assert.deepEqual([error.name, error.code, error.message, error.data], ["CallFailed", 17, "no seats", { wait: 5 }]);
    return true;
  });
});

test("replies without a call, and what is no JSON, do no harm", async (context) => {
  const { connection, socket, errors } = await connect(context);
  const call = connection.call("add", {});
  for (const strange of [reply(9, 1), reply("1", 1), reply(null, 1), progress(9, 1), "{", "[]"]) socket.receive(strange);
  socket.receive(reply(1, 3));
  assert.equal(await call, 3);
  assert.equal(errors.length, 1);
});

test("a call fails at its deadline, and the server is asked to cancel it", async (context) => {
  const { connection, socket } = await connect(context, { timeout: 500 });
  const calls = [connection.call("slow", {}), connection.call("slower", {}, { timeout: 900 })];
  mock.timers.tick(500);
  await assert.rejects(calls[0], CallTimeout);
  assert.deepEqual(socket.sent.at(-1), { jsonrpc: "2.0", method: "$/cancelRequest", params: { id: 1 } });
  mock.timers.tick(399);
  assert.equal(socket.sent.length, 3);
  mock.timers.tick(1);
  await assert.rejects(calls[1], /slower: no reply within 900 ms/);
});

test("an abort signal cancels a call at once", async (context) => {
  const { connection, socket } = await connect(context);
  const abort = new AbortController();
  const call = connection.call("slow", {}, { signal: abort.signal });
  abort.abort(new Error("left the page"));
  await assert.rejects(call, /left the page/);
  assert.deepEqual(socket.sent.at(-1).params, { id: 1 });
  await assert.rejects(connection.call("slow", {}, { signal: abort.signal }), /left the page/);
  assert.equal(socket.sent.length, 2);
});

test("an abort after the reply sends nothing", async (context) => {
  const { connection, socket } = await connect(context);
  const abort = new AbortController();
  const call = connection.call("add", {}, { signal: abort.signal });
  socket.receive(reply(1, 3));
  assert.equal(await call, 3);
  abort.abort();
  mock.timers.tick(60_000);
  assert.equal(socket.sent.length, 1);
});

test("a stream is sent when it is read, and ends with its reply", async (context) => {
  const { connection, socket } = await connect(context);
  const stream = connection.stream("answer", { prompt: "why?" });
  assert.deepEqual(socket.sent, []);
  const items = Array.fromAsync ? Array.fromAsync(stream) : collect(stream);
  await settled();
  for (const message of [progress(1, "a"), progress(1, null), progress(1, "c"), reply(1, null)]) socket.receive(message);
  assert.deepEqual(await items, ["a", null, "c"]);
  assert.equal(socket.sent.length, 1);
  assert.deepEqual(await stream.next(), { value: undefined, done: true });
});

async function collect(stream) {
  const items = [];
  for await (const item of stream) items.push(item);
  return items;
}

test("leaving the loop cancels a stream", async (context) => {
  const { connection, socket } = await connect(context);
  const items = [];
  const loop = (async () => {
    for await (const item of connection.stream("answer", {})) {
      items.push(item);
      if (items.length === 2) break;
    }
  })();
  await settled();
  for (const value of ["a", "b", "c"]) socket.receive(progress(1, value));
  await loop;
  assert.deepEqual(items, ["a", "b"]);
  assert.deepEqual(socket.sent.at(-1), { jsonrpc: "2.0", method: "$/cancelRequest", params: { id: 1 } });
});

test("return ends a stream that waits for its next item", async (context) => {
  const { connection, socket } = await connect(context);
  const stream = connection.stream("answer", {});
  const waiting = stream.next();
  await stream.return();
  assert.deepEqual(await waiting, { value: undefined, done: true });
  assert.equal(socket.sent.at(-1).method, "$/cancelRequest");
});

test("the items before an error are read first", async (context) => {
  const { connection, socket } = await connect(context);
  const stream = connection.stream("answer", {});
  const first = stream.next();
  socket.receive(progress(1, "a"));
  socket.receive(progress(1, "b"));
  socket.receive({ jsonrpc: "2.0", id: 1, error: { code: -32603, message: "Internal error" } });
  assert.equal((await first).value, "a");
  assert.equal((await stream.next()).value, "b");
  await assert.rejects(stream.next(), CallFailed);
  assert.equal((await stream.next()).done, true);
});

test("a stream that is not read fails when it holds too much", async (context) => {
  const { connection, socket } = await connect(context, { maxItems: 2 });
  const stream = connection.stream("answer", {});
  const first = stream.next();
  for (const value of [0, 1, 2, 3, 4]) socket.receive(progress(1, value));
  assert.deepEqual(
    [(await first).value, (await stream.next()).value, (await stream.next()).value],
    [0, 1, 2],
  );
  await assert.rejects(stream.next(), QueueFull);
  assert.equal(socket.sent.filter((each) => each.method === "$/cancelRequest").length, 1);
});

test("a stream has no deadline once it is sent", async (context) => {
  const { connection, socket } = await connect(context, { timeout: 500 });
  const next = connection.stream("feed", {}).next();
  mock.timers.tick(10_000);
  socket.receive(progress(1, "late"));
  assert.equal((await next).value, "late");
});

test("what is called while there is no connection is sent in order when there is one", async (context) => {
  const { connection, socket } = await connect(context, {}, false);
  const call = connection.call("add", {});
  assert.equal(connection.notify("typing", {}), true);
  const next = connection.stream("answer", {}).next();
  assert.deepEqual(socket.sent, []);
  socket.open();
  assert.deepEqual(socket.sent.map((each) => each.method), ["add", "typing", "answer"]);
  socket.receive([reply(1, 3), progress(2, "a")]);
  assert.deepEqual([await call, (await next).value], [3, "a"]);
});

test("what was cancelled or is late while it waited is never sent", async (context) => {
  const { connection, socket } = await connect(context, { timeout: 500 }, false);
  const abort = new AbortController();
  const calls = [connection.call("add", {}, { signal: abort.signal }), connection.call("late", {})];
  const stream = connection.stream("feed", {}).next();
  abort.abort(new Error("no more"));
  mock.timers.tick(500);
  await assert.rejects(calls[0], /no more/);
  await assert.rejects(calls[1], CallTimeout);
  await assert.rejects(stream, CallTimeout);
  socket.open();
  assert.deepEqual(socket.sent, []);
});

test("the queue has a bound", async (context) => {
  const { connection, socket } = await connect(context, { maxQueue: 2 }, false);
  assert.deepEqual([1, 2, 3].map((each) => connection.notify("typing", each)), [true, true, false]);
  await assert.rejects(connection.call("add", {}), QueueFull);
  socket.open();
  assert.deepEqual(socket.sent.map((each) => each.params), [1, 2]);
  socket.bufferedAmount = 1 << 23;
  assert.equal(connection.notify("typing", 4), false);
  await assert.rejects(connection.call("add", {}), QueueFull);
});

test("calls in flight fail when the connection is lost, and those that were not sent go on", async (context) => {
  const { connection, socket } = await connect(context);
  const sent = connection.call("add", {});
  const items = connection.stream("answer", {}).next();
  socket.lose(1006);
  await assert.rejects(sent, (error) => error instanceof ConnectionLost && error.code === 1006);
  await assert.rejects(items, ConnectionLost);
  const later = connection.call("add", {});
  mock.timers.tick(1_000);
  await settled();
  assert.equal(FakeSocket.all.length, 2);
  FakeSocket.last.open();
  FakeSocket.last.receive(reply(3, 3));
  assert.equal(await later, 3);
  // Further events of the lost socket are ignored.
  socket.receive(reply(3, 4));
  assert.deepEqual(FakeSocket.last.sent.map((each) => each.id), [3]);
});

test("the code of the end decides whether and when to come back", () => {
  for (const code of [1000, 1002, 1003, 1007, 1008, 1010, 4400, 4401, 4403, 4499]) assert.equal(isFinal(code), true, code);
  for (const code of [1001, 1005, 1006, 1009, 1011, 1012, 1013, 4000, 4408, 4429, 4500]) assert.equal(isFinal(code), false, code);
  const range = (code, attempt) => [pauseAfter(code, attempt, () => 0), pauseAfter(code, attempt, () => 1)];
  assert.deepEqual(range(1006, 0), [500, 1_000]);
  assert.deepEqual(range(1006, 3), [4_000, 8_000]);
  assert.deepEqual(range(1006, 40), [15_000, 30_000]);
  assert.deepEqual(range(1012, 0), [0, 1_000]);
  assert.deepEqual(range(1013, 0), [5_000, 10_000]);
  assert.deepEqual(range(4429, 9), [15_000, 30_000]);
  const pauses = new Set(Array.from({ length: 10 }, () => pauseAfter(1006, 0)));
  assert.ok(pauses.size > 1);
});

test("pauses grow while no connection lasts, and start over after one that did", async (context) => {
  const { connection } = await connect(context);
  mock.method(Math, "random", () => 1);
  context.after(() => mock.restoreAll());
  const pause = async () => {
    for (let waited = 0; ; waited += 500) {
      if (connection.state === "connecting") return waited;
      mock.timers.tick(500);
      await settled();
    }
  };
  FakeSocket.last.lose(1006);
  assert.equal(await pause(), 1_000);
  FakeSocket.last.lose(1006);
  assert.equal(await pause(), 2_000);
  FakeSocket.last.open();
  FakeSocket.last.lose(1011);
  assert.equal(await pause(), 4_000);
  FakeSocket.last.open();
  mock.timers.tick(5_000);
  FakeSocket.last.lose(1006);
  assert.equal(await pause(), 1_000);
});

test("a final code closes the client: all calls fail, and no connection follows", async (context) => {
  const { connection, socket } = await connect(context);
  const call = connection.call("add", {});
  socket.lose(4401, "ticket expired");
  await assert.rejects(call, /ended with 4401: ticket expired/);
  assert.equal(connection.state, "closed");
  await assert.rejects(connection.opened(), ConnectionLost);
  await assert.rejects(connection.call("add", {}), ConnectionLost);
  assert.equal(connection.notify("typing", {}), false);
  mock.timers.tick(60_000);
  await settled();
  assert.equal(FakeSocket.all.length, 1);
});

test("an application can decide about codes itself", async (context) => {
  const { connection, socket } = await connect(context, { isFinal: (code, reason) => reason === "moved" });
  socket.lose(1000, "idle");
  assert.equal(connection.state, "waiting");
  connection.hurry();
  await settled();
  FakeSocket.last.lose(1006, "moved");
  assert.equal(connection.state, "closed");
});

test("close is final", async (context) => {
  const { connection, socket } = await connect(context);
  const call = connection.call("add", {});
  connection.close();
  await assert.rejects(call, ConnectionLost);
  assert.deepEqual(socket.closed, [[1000, ""]]);
  socket.lose(1000);
  connection.hurry();
  await settled();
  assert.equal(FakeSocket.all.length, 1);
});

test("an attempt that takes too long is given up", async (context) => {
  const { connection, socket } = await connect(context, { connectTimeout: 1_000 }, false);
  mock.timers.tick(1_000);
  assert.equal(connection.state, "waiting");
  assert.equal(socket.closed.length, 1);
  socket.open();
  assert.equal(connection.state, "waiting");
});

test("the query is asked for at each attempt", async (context) => {
  let count = 0;
  const query = async () => {
    if (++count === 2) throw new Error("no token");
    return { token: `t${count}&` };
  };
  const { connection, socket, errors } = await connect(context, { query });
  assert.equal(socket.url, "ws://example.com/api?token=t1%26");
  socket.lose(1006);
  connection.hurry();
  await settled();
  assert.deepEqual([connection.state, errors.length], ["waiting", 1]);
  connection.hurry();
  await settled();
  assert.equal(FakeSocket.last.url, "ws://example.com/api?token=t3%26");
});

test("events reach their handlers, and one that throws harms no other", async (context) => {
  const { connection, socket, errors } = await connect(context);
  const seen = [];
  connection.on("said", () => {
    throw new Error("a bad handler");
  });
  const stop = connection.on("said", (event) => seen.push(event));
  socket.receive({ jsonrpc: "2.0", method: "said", params: { text: "a" } });
  socket.receive({ jsonrpc: "2.0", method: "unknown", params: {} });
  stop();
  socket.receive({ jsonrpc: "2.0", method: "said", params: { text: "b" } });
  assert.deepEqual(seen, [{ text: "a" }]);
  assert.equal(errors.length, 2);
});

test("the server's requests are answered", async (context) => {
  const { connection, socket, errors } = await connect(context);
  connection.answer("confirm", async ({ text }) => text === "Sure?");
  connection.answer("nothing", () => undefined);
  connection.answer("refuse", () => {
    throw new CallFailed(403, "no", { why: "rules" });
  });
  connection.answer("fail", () => {
    throw new Error("secret");
  });
  const ask = async (method, params) => {
    socket.receive({ jsonrpc: "2.0", id: "s1", method, params });
    await settled();
    const { jsonrpc, id, ...answer } = socket.sent.at(-1);
    assert.deepEqual([jsonrpc, id], ["2.0", "s1"]);
    return answer;
  };
  assert.deepEqual(await ask("confirm", { text: "Sure?" }), { result: true });
  assert.deepEqual(await ask("nothing"), { result: null });
  assert.deepEqual(await ask("refuse"), { error: { code: 403, message: "no", data: { why: "rules" } } });
  assert.deepEqual(await ask("fail"), { error: { code: -32603, message: "Internal error" } });
  assert.deepEqual(await ask("unknown"), { error: { code: -32601, message: "Method not found" } });
  assert.equal(errors.length, 1);
});

test("a variable of a path is one segment", () => {
  assert.equal(encodeSegment("room", "a b?"), "a%20b%3F");
  for (const value of ["", ".", "..", "a/b"]) {
    assert.throws(() => encodeSegment("room", value), /room: ".*": a variable of a path contains no slash/);
  }
});

test("without a WebSocket there is no client", () => {
  const all = globalThis.WebSocket;
  delete globalThis.WebSocket;
  try {
    assert.throws(() => new CallsConnection(new URL("ws://example.com/api")), /there is no WebSocket here: give one/);
  } finally {
    if (all !== undefined) globalThis.WebSocket = all;
  }
});

test("an error says when to repeat a call above a limit", () => {
  assert.equal(new CallFailed(-32029, "too many", { retry_after: 0.5 }).retryAfter, 500);
  for (const data of [undefined, null, 1, {}, { retry_after: "soon" }]) {
    assert.equal(new CallFailed(17, "no", data).retryAfter, undefined);
  }
});

test("states are shown as they change", async (context) => {
  const { connection, socket } = await connect(context, {}, false);
  const states = [];
  connection.onState((state) => states.push(state));
  const opened = connection.opened();
  socket.open();
  await opened;
  socket.lose(1012);
  connection.hurry();
  await settled();
  connection.close();
  assert.deepEqual(states, ["open", "waiting", "connecting", "closed"]);
});
