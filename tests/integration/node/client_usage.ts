// A program with the client generated from tests/schema/clients/sample.py: it is type-checked, and run on a server.
import { Api, CallFailed, ConnectionLost, Rooms, type ConnectionOptions, type Said, type Tree } from "./api.js";

function equal(found: unknown, expected: unknown): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  if (left !== right) throw new Error(`expected ${right}, found ${left}`);
}

async function fails(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error("the call succeeded");
}

export async function run(base: string, options: ConnectionOptions): Promise<void> {
  const api = new Api(base, options);
  const events: string[] = [];
  api.on("said", (said: Said) => events.push(`${said.number} ${said.text}`));

  // Before there is a connection.
  const sum: Promise<number> = api.add({ a: 1, b: 2 });
  equal(api.leave({ user: "ada" }), true);
  equal(await sum, 3);
  equal(await api.add({ a: 1 }), 1);

  const said: Said = await api.say({ room: "a", text: "snow \u2603", colour: "green", reply_to: null });
  equal([said.number, said.text, said.at], [1, "snow \u2603", "2026-01-02T03:04:05Z"]);
  equal(events, ["1 snow \u2603"]);

  const words: string[] = [];
  for await (const word of api.answer({ prompt: "why?" })) words.push(word);
  equal(words, ["You", "asked:", "why?"]);

  for await (const number of api.endless()) if (number === 3) break;
  equal(await api.was_cancelled(), true);

  const abort = new AbortController();
  const hanging = fails(api.hang({ signal: abort.signal }));
  abort.abort(new Error("enough"));
  equal(String(await hanging), "Error: enough");
  equal(await api.was_cancelled(), true);
  equal(String(await fails(api.hang({ timeout: 20 }))), "CallTimeout: hang: no reply within 20 ms");
  equal(await api.was_cancelled(), true);

  const shape = await api.grow({ shape: { kind: "circle", centre: { x: 1 }, radius: 2 }, by: 1.5 });
  equal(shape.kind === "circle" ? shape.radius : shape.start, 3);
  const tree: Tree = { name: "root", children: [{ name: "leaf", from: "root" }] };
  equal(await api.depth(tree), 2);
  equal(await api.pairs({ values: { a: [1, "x"] }, mode: "keys" }), [["a", 0]]);
  equal(await api.class({ data: "AAEC", on: "2026-01-02" }), { "2026-01-02": 3 });
  equal(await api.file_read({ path: "/tmp" }), "x:/tmp");

  const failure = await fails(api.fail({ code: 17 }));
  equal(failure instanceof CallFailed && [failure.code, failure.message, failure.data], [17, "as you wish", { wait: 5 }]);
  const misfit = await fails(api.add({ a: "1" as unknown as number }));
  equal(misfit instanceof CallFailed && misfit.code, -32602);

  api.connection.answer("confirm", async ({ text }: { text: string }) => text === "Sure?");
  equal(await api.confirmed(), true);

  // The server restarts: calls that wait fail, later ones use the next connection.
  const waiting = fails(api.hang());
  const closed = fails(api.close_me({ code: 1012, reason: "restart" }));
  equal((await waiting) instanceof ConnectionLost, true);
  equal((await closed) instanceof ConnectionLost, true);
  api.connection.hurry();
  equal(await api.add({ a: 20, b: 3 }), 23);

  const rooms = new Rooms(`${base}/`, { room: "a b\u00fc", number: 7 }, options);
  equal(await rooms.where(), "a b\u00fc/7");
  rooms.close();

  const final = await fails(api.close_me({ code: 4401, reason: "ticket expired" }));
  equal(final instanceof ConnectionLost && [final.code, final.reason], [4401, "ticket expired"]);
  equal(api.connection.state, "closed");
}
