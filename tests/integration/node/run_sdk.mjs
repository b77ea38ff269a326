// Runs a compiled program on npm centrifuge: node run_sdk.mjs PROGRAM URL
import { pathToFileURL } from "node:url";
import WebSocket from "ws";

const [program, url] = process.argv.slice(2);
const { run } = await import(pathToFileURL(program));
await run(url, { websocket: WebSocket });
console.log("all is well");
process.exit(0);
