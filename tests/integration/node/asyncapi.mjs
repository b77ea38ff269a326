// Reads an AsyncAPI document from stdin with the official parser, and prints as JSON what it says: the diagnostics that
// are more than hints, and what it has understood.
import { Parser } from "@asyncapi/parser";
import { readFileSync } from "node:fs";

const { document, diagnostics } = await new Parser().parse(readFileSync(0, "utf8"));
const faults = diagnostics
  .filter((each) => each.severity < 2)
  .map((each) => `${each.path.join(".")}: ${each.message}`);
const operations = document?.operations().all() ?? [];
console.log(
  JSON.stringify({
    faults,
    is_valid: document !== undefined,
    operations: Object.fromEntries(
      operations.map((each) => [each.id(), [each.action(), ...each.messages().all().map((message) => message.id())]]),
    ),
  }),
);
