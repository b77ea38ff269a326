// What all scripts with the WebSocket of browsers do: obey the probe's commands, and say what they see.

export function talk(WebSocket, url, say) {
  const websocket = new WebSocket(url);
  websocket.binaryType = "arraybuffer";
  websocket.onmessage = async ({ data }) => {
    const text = typeof data === "string";
    const [command, number] = text ? data.split(" ") : [];
    if (command === "send") {
      websocket.send("x".repeat(Number(number)));
    } else if (command === "pause") {
      await new Promise((resolve) => setTimeout(resolve, 1000 * Number(number)));
      websocket.send("paused");
    } else {
      websocket.send(`got ${text ? data.length : data.byteLength}`);
    }
  };
  websocket.onerror = (event) => {
    say({ event: "failed", text: String(event.message ?? event.error?.message ?? ""), status: null });
  };
  websocket.onclose = ({ code, reason }) => say({ event: "closed", code, reason });
}

export function print(event) {
  console.log(JSON.stringify(event));
}
