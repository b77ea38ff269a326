// Reads a list of AsyncAPI documents from stdin with the official parser, and prints for each, as JSON,
// the diagnostics that are more than hints, and the operations found.
import { Parser } from "@asyncapi/parser";
import { readFileSync } from "node:fs";

async function read(source) {
  const { document, diagnostics } = await new Parser().parse(source);
  const faults = diagnostics
    .filter((each) => each.severity < 2)
    .map((each) => `${each.path.join(".")}: ${each.message}`);
  const operations = document?.operations().all() ?? [];
  return {
    faults,
    is_valid: document !== undefined,
    operations: Object.fromEntries(
      operations.map((each) => [each.id(), [each.action(), ...each.messages().all().map((message) => message.id())]]),
    ),
  };
}

const readings = [];
for (const source of JSON.parse(readFileSync(0, "utf8"))) readings.push(await read(source));
console.log(JSON.stringify(readings));
