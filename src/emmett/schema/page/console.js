/* Connections to websockets, one for each route. Their logs are kept while the visitor looks at other entries. */

const base = location.origin + location.pathname.slice(0, -document.body.dataset.path.length);

/** Return a path with its variables filled in, followed by the rest of the URL. */
function fillPath(path, variables, query) {
  const filled = path.template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(variables[name] ?? "").replaceAll("%2F", "/"));
  return base + filled + (query ? `?${query}` : "");
}

/** The common part of all consoles: the URL, the state, the log. */
class Console {
  constructor(route) {
    this.route = route;
    this.log = new Log();
    this.state = h("span", { class: "state", role: "status" }, "Not connected");
    this.link = h("div", { class: "link", "data-state": "closed" }, this.state);
    this.button = h("button", { type: "button", class: "small", onclick: () => (this.socket ? this.disconnect() : this.connect().catch(() => undefined)) }, "Connect");
    this.path = route.paths[0];
    this.variables = new Map(this.path.variables.map((each) => [each.name, makeField(each.name, each.schema, true, [each.name])]));
    this.query = h("input", { type: "text", id: `query-${++lastField}`, placeholder: "token=…", autocomplete: "off", spellcheck: "false" });
    this.target = h(
      "div",
      { class: "target" },
      [...this.variables.values()].map((each) => each.element),
      h("div", { class: "field" }, h("label", { for: this.query.id }, h("b", null, "Query"), h("i", null, "optional")), this.query),
    );
    this.element = h(
      "section",
      { class: "card live", "aria-label": "Console" },
      h("header", { class: "head" }, h("h2", null, "Live"), this.link, h("button", { type: "button", class: "small", onclick: () => this.log.clear() }, "Clear"), this.button),
      h("details", { class: "where", open: this.variables.size > 0 }, h("summary", null, "Where to connect: ", h("code", null, this.path.template)), this.target),
      this.log.list,
    );
  }

  connect() {
    if (this.opening) return this.opening;
    const url = fillPath(this.path, readFields(this.variables), this.query.value).replace(/^http/, "ws");
    const socket = (this.socket = new WebSocket(url));
    socket.binaryType = "arraybuffer";
    this.show("connecting", "Connecting");
    const started = performance.now();
    let hasOpened = false;
    this.opening = new Promise((resolve, reject) => {
      socket.addEventListener("open", () => {
        hasOpened = true;
        this.show("open", `Connected in ${formatTime(performance.now() - started)}`);
        resolve();
      });
      socket.addEventListener("close", (event) => {
        this.socket = this.opening = undefined;
        const reason = event.reason ? `: ${event.reason}` : "";
        this.show("closed", hasOpened ? `Closed with ${event.code}${reason}` : "Not let in");
        // Browsers do not show pages why a handshake failed.
        if (hasOpened) this.log.add("closed", `${event.code}${reason}`);
        else this.log.add("closed", "before it was open", "The server refused the handshake, or cannot be reached; its log says which.");
        this.lost(event);
        reject(new Error(`closed with ${event.code}${reason}`));
      });
    });
    this.opening.catch(() => undefined);
    socket.addEventListener("message", (event) => this.receive(event.data));
    return this.opening;
  }

  disconnect() {
    this.socket?.close(1000);
  }

  show(state, text) {
    this.link.dataset.state = state;
    this.state.textContent = text;
    this.button.textContent = state === "closed" ? "Connect" : "Disconnect";
  }

  lost() {}
}

/** The console of calls: JSON-RPC 2.0, as docs/calls.md describes it. */
class CallsConsole extends Console {
  constructor(route) {
    super(route);
    this.calls = new Map();
    this.lastId = 0;
  }

  /** Call a method, or send an event. */
  async call(method, params, onFaults) {
    await this.connect();
    const message = { jsonrpc: "2.0", ...(method.kind === "event" ? {} : { id: ++this.lastId }), method: method.name, params };
    this.socket.send(JSON.stringify(message));
    const entry = this.log.add(method.kind === "event" ? "sent" : "waiting", method.name, pretty(params));
    if (method.kind === "event") return;
    this.calls.set(message.id, { entry, method, onFaults });
    const cancel = () => this.socket?.send(JSON.stringify({ jsonrpc: "2.0", method: "$/cancelRequest", params: { id: message.id } }));
    entry.actions.append(h("button", { type: "button", class: "small", onclick: cancel }, "Cancel"));
  }

  receive(data) {
    let received;
    try {
      received = JSON.parse(data);
    } catch {
      this.log.add("received", "not JSON", String(data));
      return;
    }
    for (const message of Array.isArray(received) ? received : [received]) {
      if (message.method === undefined) this.receiveReply(message);
      else if (message.method === "$/progress") {
        const call = this.calls.get(message.params.token);
        if (call !== undefined) this.log.item(call.entry, pretty(message.params.value));
      } else if (message.id !== undefined) {
        this.log.add("request", message.method, pretty(message.params));
        this.socket.send(JSON.stringify({ jsonrpc: "2.0", id: message.id, error: { code: -32601, message: "the docs page answers no requests" } }));
      } else this.log.add("event", message.method, pretty(message.params));
    }
  }

  receiveReply({ id, result, error }) {
    const call = this.calls.get(id);
    if (call === undefined) {
      if (error) this.log.add("error", String(error.code), error.message);
      return;
    }
    this.calls.delete(id);
    if (error) {
      const data = error.data === undefined ? "" : `\n${pretty(error.data)}`;
      this.log.end(call.entry, "error", `${error.code} ${error.message}${data}`);
      if (error.code === -32602 && Array.isArray(error.data)) call.onFaults(error.data);
    } else this.log.end(call.entry, call.method.kind === "stream" ? "ended" : "result", call.method.kind === "stream" ? "" : pretty(result));
  }

  lost() {
    for (const { entry } of this.calls.values()) this.log.end(entry, "error", "the connection ended before the reply");
    this.calls.clear();
  }
}

/** The console of a plain websocket: any message in both directions. */
class RawConsole extends Console {
  async send(data) {
    await this.connect();
    this.socket.send(data);
    this.log.add("sent", typeof data === "string" ? "text" : "binary", typeof data === "string" ? data : hexOf(data));
  }

  receive(data) {
    this.log.add("received", typeof data === "string" ? "text" : "binary", typeof data === "string" ? data : hexOf(new Uint8Array(data)));
  }
}

function hexOf(bytes) {
  const shown = [...bytes.slice(0, 64)].map((each) => each.toString(16).padStart(2, "0")).join(" ");
  return `${shown}${bytes.length > 64 ? " …" : ""} (${bytes.length} B)`;
}
