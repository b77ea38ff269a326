/** JSON-RPC 2.0 over a websocket that reconnects by itself: calls, streams with cancellation, calls by the server. */

const FIRST_WAIT = 500; // milliseconds before the first new attempt; each further one waits twice as long
const LONGEST_WAIT = 15_000;
const DEADLINE = 8_000; // for a connection

export class CallFailed extends Error {
  constructor({ code, message, data }) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

export class Api {
  /**
   * @param {string} path of the websocket
   * @param {{onState: (state: string, words: string) => void, onWait: (seconds: number) => void}} handlers
   */
  constructor(path, handlers) {
    this.url = new URL(path, location.href);
    this.url.protocol = this.url.protocol.replace("http", "ws");
    this.handlers = handlers;
    this.tools = new Map();
    this.waiting = new Map();
    this.last = 0;
    this.tries = 0;
    window.addEventListener("online", () => this.connect());
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /** Answer calls by the server: `tool` gets their parameters, and may be async. */
  provide(name, tool) {
    this.tools.set(name, tool);
  }

  /**
   * Call a method. The promise fails with `CallFailed`, also when the connection ends first.
   * @param {{signal?: AbortSignal, onItem?: (item: any) => void}} options cancel it; take the items of a stream
   */
  call(method, params, { signal, onItem } = {}) {
    if (!this.isOpen) return Promise.reject(new CallFailed({ code: 0, message: "not connected" }));
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, onItem });
      this.#send({ id, method, params });
      signal?.addEventListener("abort", () => this.waiting.has(id) && this.#send({ method: "$/cancelRequest", params: { id } }));
    });
  }

  connect() {
    if (this.socket) return;
    clearInterval(this.timer);
    this.handlers.onWait(0);
    this.handlers.onState("connecting", "Connecting");
    const socket = (this.socket = new WebSocket(this.url));
    const deadline = setTimeout(() => socket.close(), DEADLINE);
    socket.addEventListener("open", () => {
      clearTimeout(deadline);
      this.tries = 0;
      this.handlers.onState("open", "Live");
    });
    socket.addEventListener("message", (event) => this.#take(JSON.parse(event.data)));
    socket.addEventListener("close", () => {
      clearTimeout(deadline);
      this.#lost();
    });
  }

  #send(message) {
    if (this.isOpen) this.socket.send(JSON.stringify({ jsonrpc: "2.0", ...message }));
  }

  async #take(message) {
    if (message.method === "$/progress") {
      this.waiting.get(message.params.token)?.onItem?.(message.params.value);
    } else if (message.method) {
      await this.#answer(message);
    } else {
      const call = this.waiting.get(message.id);
      this.waiting.delete(message.id);
      if (message.error) call?.reject(new CallFailed(message.error));
      else call?.resolve(message.result);
    }
  }

  async #answer({ id, method, params }) {
    const tool = this.tools.get(method);
    if (id === undefined) return;
    if (!tool) return this.#send({ id, error: { code: -32601, message: "Method not found" } });
    try {
      this.#send({ id, result: (await tool(params ?? {})) ?? null });
    } catch (error) {
      this.#send({ id, error: { code: -32603, message: String(error.message ?? error) } });
    }
  }

  #lost() {
    this.socket = undefined;
    for (const { reject } of this.waiting.values()) reject(new CallFailed({ code: 0, message: "the connection was lost" }));
    this.waiting.clear();
    // The jitter keeps the pages of a server from reconnecting all at the same moment.
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.tries) * (0.5 + Math.random() / 2);
    this.tries += 1;
    const end = performance.now() + wait;
    this.handlers.onState("lost", "Not connected");
    const tick = () => {
      const left = end - performance.now();
      if (left <= 0) this.connect();
      else this.handlers.onWait(Math.ceil(left / 1000));
    };
    clearInterval(this.timer);
    this.timer = setInterval(tick, 50);
    tick();
  }
}
