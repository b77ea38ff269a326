// Applies deltas with the codec of npm centrifuge: [source, delta, target], each in base64, from standard input.
import { readFileSync } from "node:fs";

import { Centrifuge } from "centrifuge/build/protobuf";

const codec = new Centrifuge("ws://127.0.0.1:1/")._codec;
const pairs = JSON.parse(readFileSync(0, "utf8"));
for (const [source, delta, target] of pairs.map((each) => each.map((text) => Buffer.from(text, "base64")))) {
  const { newData } = codec.applyDeltaIfNeeded({ data: delta, delta: true }, source);
  if (!Buffer.from(newData).equals(target)) throw new Error(`wrong: ${delta.toString()}`);
}
console.log(`${pairs.length} deltas applied`);
