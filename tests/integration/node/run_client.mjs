// Runs a compiled program with a generated client: node run_client.mjs PROGRAM URL
import { pathToFileURL } from "node:url";
import WebSocket from "ws";

const [program, base] = process.argv.slice(2);
const { run } = await import(pathToFileURL(program));
await run(base, { WebSocket });
console.log("all is well");
