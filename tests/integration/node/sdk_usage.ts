// A program with the wrappers generated from tests/integration/sdk_calls.py: it is type-checked, and run on a server.
import { Centrifuge, type Options } from "centrifuge";
import { Api, CallFailed, type Said } from "./sdk.js";

function equal(found: unknown, expected: unknown): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  if (left !== right) throw new Error(`expected ${right}, found ${left}`);
}

async function fails(call: Promise<unknown>): Promise<CallFailed> {
  try {
    await call;
  } catch (error) {
    if (error instanceof CallFailed) return error;
    throw error;
  }
  throw new Error("the call succeeded");
}

export async function run(url: string, options: Partial<Options>): Promise<void> {
  const centrifuge = new Centrifuge(url, { ...options, minReconnectDelay: 1 });
  const api = new Api(centrifuge);
  const events: string[] = [];
  let heard: () => void = () => undefined;
  const end = api.on("said", (said: Said) => {
    events.push(`${said.where}: ${said.text}`);
    heard();
  });
  const hears = (count: number) =>
    new Promise<void>((resolve) => {
      heard = () => events.length >= count && resolve();
      heard();
    });
  centrifuge.connect();

  // Before there is a connection.
  const sum: Promise<number> = api.add({ a: 1, b: 2 });
  equal(await sum, 3);
  equal(await api.add({ a: 1 }), 1);
  equal(await api.nothing(), null);

  // To the caller, to all clients of its user, and to a channel.
  equal(await api.say({ text: "a", to: "caller" }), 1);
  await hears(1);
  await api.say({ text: "b", to: "user" });
  await hears(2);
  const room = api.channel("room:1");
  await room.ready();
  await api.say({ text: "c", to: "channel" });
  await hears(3);
  equal(api.channel("room:1") === room, true);
  await api.typing({ text: "d" });
  await hears(4);
  equal(events, ["caller: a", "user: b", "channel: c", "channel: d"]);

  const words: string[] = [];
  for await (const word of api.answer({ prompt: "why?" })) words.push(word);
  equal(words, ["You", "asked:", "why?"]);

  // The connection breaks in the middle of a stream: each number comes once.
  const numbers: number[] = [];
  for await (const number of api.count({ to: 40 })) numbers.push(number);
  equal(numbers, [...Array(40).keys()]);

  for await (const number of api.endless()) if (number === 3) break;
  equal(await api.was_cancelled(), true);
  equal(Object.keys(centrifuge.subscriptions()), ["room:1"]);

  const failure = await fails(api.fail({ code: 1017 }));
  equal([failure.code, failure.message], [1017, "as you wish"]);
  equal((await fails(api.add({ a: "1" as unknown as number }))).code, 107);
  const broken: string[] = [];
  const reading = async () => {
    for await (const word of api.broken()) broken.push(word);
  };
  equal([(await fails(reading())).code, broken], [1018, ["one"]]);

  end();
  await api.say({ text: "e", to: "caller" });
  equal(events.length, 4);
  const unread = fails(api.endless().next().then(() => api.endless().next()).then(() => api.never().next()));
  await api.was_read();
  centrifuge.disconnect();
  equal((await unread).code, 0);
  api.close();
}
