type SocketClass = new (url: string) => Socket;

// Browsers fire the event "online" here; other runtimes may lack these functions.
const page = globalThis as {
  addEventListener?: (type: string, listener: () => void) => void;
  removeEventListener?: (type: string, listener: () => void) => void;
};

/** A connection that reconnects when it is lost. Generated clients create one, as `client.connection`. */
export class CallsConnection<Events> {
  private readonly url: URL;
  private readonly options: ConnectionOptions;
  private readonly WebSocket: SocketClass;
  private readonly pending = new Map<number, Pending>();
  private readonly queue: { text: string; id?: number }[] = [];
  private readonly eventHandlers = new Map<string, Set<(event: never) => void>>();
  private readonly stateHandlers = new Set<(state: ConnectionState) => void>();
  private readonly requestHandlers = new Map<string, (params: never) => unknown>();
  private socket: Socket | undefined;
  private lastId = 0;
  private attempt = 0;
  private openedAt = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private currentState: ConnectionState = "waiting";
  private ending = new ConnectionLost(1005, "");
  private readonly onOnline = () => this.hurry();

  constructor(url: URL, options: ConnectionOptions = {}) {
    this.url = url;
    this.options = options;
    const WebSocket = options.WebSocket ?? (globalThis as { WebSocket?: SocketClass }).WebSocket;
    if (WebSocket === undefined) {
      throw new TypeError("there is no WebSocket here: give one in the options, as in { WebSocket } of npm ws");
    }
    this.WebSocket = WebSocket;
    page.addEventListener?.("online", this.onOnline);
    void this.connect();
  }

  get state(): ConnectionState {
    return this.currentState;
  }

  /** Call a method, and return its result. */
  call<Result>(method: string, params: unknown, options: CallOptions = {}): Promise<Result> {
    return new Promise((resolve, reject) => {
      const finish = (result: unknown) => resolve(result as Result);
      this.begin(method, params, { timeout: this.timeout, ...options }, { finish, fail: reject, item: () => undefined });
    });
  }

  /** Call a method that is a stream. */
  stream<Item>(method: string, params: unknown, options: CallOptions = {}): ItemStream<Item> {
    const maxItems = this.options.maxItems ?? 10_000;
    const begin = (stream: ItemStream<Item>) => {
      const abandon = this.begin(method, params, options, {
        finish: () => stream.end(),
        fail: (error) => stream.end({ error }),
        item: (value) => {
          if (stream.put(value as Item)) return;
          stream.end({ error: new QueueFull(`${method}: more than ${maxItems} items wait to be read`) });
          abandon();
        },
      });
      return abandon;
    };
    return new ItemStream(begin, maxItems);
  }

  /** Send an event, now or once connected. Returns false if the queue is full or the client is closed. */
  notify(method: string, params: unknown): boolean {
    if (this.refusal() !== undefined) return false;
    this.transmit(JSON.stringify({ jsonrpc: "2.0", method, params }));
    return true;
  }

  /** Call a function for each event with a name. Returns a function that stops this. */
  on<Name extends keyof Events & string>(name: Name, handler: (event: Events[Name]) => void): () => void {
    const handlers = this.eventHandlers.get(name) ?? new Set();
    this.eventHandlers.set(name, handlers.add(handler));
    return () => handlers.delete(handler);
  }

  /** Call a function with each new state. Returns a function that stops this. */
  onState(handler: (state: ConnectionState) => void): () => void {
    this.stateHandlers.add(handler);
    return () => this.stateHandlers.delete(handler);
  }

  /** Answer the server's requests with a name. The handler returns the result, or a promise of it. */
  answer<Params = unknown>(method: string, handler: (params: Params) => unknown): void {
    this.requestHandlers.set(method, handler);
  }

  /** Wait until the connection is open. Rejects if it has ended for good. */
  opened(): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): boolean => {
        if (this.state === "open") resolve();
        else if (this.state === "closed") reject(this.ending);
        else return false;
        return true;
      };
      if (look()) return;
      const stop = this.onState(() => look() && stop());
    });
  }

  /** Connect now if the connection is waiting for its next attempt. */
  hurry(): void {
    if (this.state !== "waiting") return;
    clearTimeout(this.timer);
    void this.connect();
  }

  /** Close the connection for good. Pending calls are rejected. */
  close(code = 1000, reason = ""): void {
    if (this.state === "closed") return;
    const socket = this.socket;
    this.end(new ConnectionLost(code, reason));
    socket?.close(code, reason);
  }

  private get timeout(): number {
    return this.options.timeout ?? 30_000;
  }

  /** Send a call. Returns a function that cancels it without an error. */
  private begin(
    method: string,
    params: unknown,
    options: CallOptions,
    to: Pick<Pending, "finish" | "fail" | "item">,
  ): () => void {
    const { signal } = options;
    const refusal = signal?.aborted === true ? signal.reason : this.refusal();
    if (refusal !== undefined) {
      to.fail(refusal);
      return () => undefined;
    }
    const id = ++this.lastId;
    const onAbort = () => this.cancel(id, signal?.reason);
    const onTimeout = () => {
      // Without a timeout of its own, a stream has a deadline only until it is sent.
      if (options.timeout === undefined && pending.sentOn !== undefined) return;
      this.cancel(id, new CallTimeout(`${method}: no reply within ${milliseconds} ms`));
    };
    const milliseconds = options.timeout ?? this.timeout;
    const timer = setTimeout(onTimeout, milliseconds);
    const release = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    };
    const pending: Pending = { ...to, sentOn: undefined, release };
    signal?.addEventListener("abort", onAbort);
    this.pending.set(id, pending);
    this.transmit(JSON.stringify({ jsonrpc: "2.0", id, method, params }), id);
    return () => this.cancel(id);
  }

  private cancel(id: number, error?: unknown): void {
    const pending = this.take(id);
    if (pending === undefined) return;
    if (pending.sentOn !== undefined && pending.sentOn === this.socket) {
      this.socket.send(JSON.stringify({ jsonrpc: "2.0", method: "$/cancelRequest", params: { id } }));
    } else {
      const index = this.queue.findIndex((each) => each.id === id);
      if (index >= 0) this.queue.splice(index, 1);
    }
    if (error !== undefined) pending.fail(error);
  }

  private take(id: unknown): Pending | undefined {
    const pending = typeof id === "number" ? this.pending.get(id) : undefined;
    if (pending === undefined) return undefined;
    this.pending.delete(id as number);
    pending.release();
    return pending;
  }

  private refusal(): Error | undefined {
    if (this.state === "closed") return this.ending;
    const maxQueue = this.options.maxQueue ?? 100;
    if (this.state !== "open") {
      return this.queue.length < maxQueue ? undefined : new QueueFull(`${maxQueue} messages wait for a connection`);
    }
    const held = this.socket?.bufferedAmount ?? 0;
    return held <= (this.options.maxBuffered ?? 1 << 22) ? undefined : new QueueFull(`${held} bytes wait to be sent`);
  }

  private transmit(text: string, id?: number): void {
    if (this.state !== "open" || this.socket === undefined) {
      this.queue.push(id === undefined ? { text } : { text, id });
      return;
    }
    const pending = id === undefined ? undefined : this.pending.get(id);
    if (pending !== undefined) pending.sentOn = this.socket;
    this.socket.send(text);
  }

  private async connect(): Promise<void> {
    this.show("connecting");
    let deadline: ReturnType<typeof setTimeout> | undefined;
    const milliseconds = this.options.connectTimeout ?? 10_000;
    let socket: Socket;
    try {
      const late = new Promise<never>((_, reject) => {
        deadline = setTimeout(() => reject(new Error("no query in time")), milliseconds);
      });
      const url = await Promise.race([this.address(), late]);
      if (this.state !== "connecting") return;
      socket = this.socket = new this.WebSocket(url);
    } catch (error) {
      this.report(error);
      this.lost(1006, String(error));
      return;
    } finally {
      clearTimeout(deadline);
    }
    const timer = setTimeout(() => this.drop(socket, 1006, "no connection in time"), milliseconds);
    socket.addEventListener("open", () => {
      clearTimeout(timer);
      if (socket === this.socket) this.open();
    });
    socket.addEventListener("message", (event: { data: unknown }) => {
      if (socket === this.socket && typeof event.data === "string") this.receive(socket, event.data);
    });
    // A close event follows. Without a listener, Node.js would throw the error.
    socket.addEventListener("error", () => undefined);
    socket.addEventListener("close", (event: { code: number; reason: string }) => {
      clearTimeout(timer);
      if (socket === this.socket) this.lost(event.code, event.reason);
    });
  }

  private async address(): Promise<string> {
    const { query } = this.options;
    const url = new URL(this.url);
    const variables = typeof query === "function" ? await query() : (query ?? {});
    for (const [name, value] of Object.entries(variables)) url.searchParams.set(name, value);
    return url.href;
  }

  private open(): void {
    this.openedAt = Date.now();
    this.show("open");
    for (const { text, id } of this.queue.splice(0)) this.transmit(text, id);
  }

  private drop(socket: Socket, code: number, reason: string): void {
    if (socket !== this.socket) return;
    this.lost(code, reason);
    socket.close();
  }

  private lost(code: number, reason: string): void {
    const wasOpen = this.state === "open";
    const error = new ConnectionLost(code, reason);
    this.socket = undefined;
    if ((this.options.isFinal ?? isFinal)(code, reason)) {
      this.end(error);
      return;
    }
    if (wasOpen && Date.now() - this.openedAt >= STABLE) this.attempt = 0;
    this.timer = setTimeout(() => void this.connect(), pauseAfter(code, this.attempt++));
    this.show("waiting");
    for (const [id, pending] of [...this.pending]) if (pending.sentOn !== undefined) this.take(id)?.fail(error);
  }

  private end(error: ConnectionLost): void {
    clearTimeout(this.timer);
    page.removeEventListener?.("online", this.onOnline);
    this.socket = undefined;
    this.ending = error;
    this.queue.length = 0;
    this.show("closed");
    for (const id of [...this.pending.keys()]) this.take(id)?.fail(error);
  }

  private show(state: ConnectionState): void {
    if (state === this.currentState) return;
    this.currentState = state;
    for (const handler of [...this.stateHandlers]) this.run(() => handler(state));
  }

  private receive(socket: Socket, text: string): void {
    let received: Message | Message[];
    try {
      received = JSON.parse(text) as Message | Message[];
    } catch (error) {
      this.report(error);
      return;
    }
    for (const message of Array.isArray(received) ? received : [received]) {
      if (message.method === undefined) this.receiveReply(message);
      else if (message.id !== undefined && message.id !== null) void this.receiveRequest(socket, message);
      else if (message.method === "$/progress") {
        const { token, value } = message.params as { token: number; value: unknown };
        this.pending.get(token)?.item(value);
      } else {
        const handlers = this.eventHandlers.get(message.method) ?? [];
        for (const handler of [...handlers]) this.run(() => handler(message.params as never));
      }
    }
  }

  private receiveReply(message: Message): void {
    const pending = this.take(message.id);
    if (pending === undefined) return;
    const { error } = message;
    if (error === undefined || error === null) pending.finish(message.result);
    else pending.fail(new CallFailed(error.code, error.message, error.data));
  }

  private async receiveRequest(socket: Socket, { id, method, params }: Message): Promise<void> {
    const handler = this.requestHandlers.get(method ?? "");
    let answer: object;
    try {
      if (handler === undefined) throw new CallFailed(-32601, "Method not found");
      answer = { result: (await handler(params as never)) ?? null };
    } catch (error) {
      const isMeant = error instanceof CallFailed;
      if (!isMeant) this.report(error);
      const { code, message, data } = isMeant ? error : new CallFailed(-32603, "Internal error");
      answer = { error: { code, message, data } };
    }
    if (socket === this.socket) socket.send(JSON.stringify({ jsonrpc: "2.0", id, ...answer }));
  }

  private run(function_: () => void): void {
    try {
      function_();
    } catch (error) {
      this.report(error);
    }
  }

  private report(error: unknown): void {
    const console = (globalThis as { console?: { error(error: unknown): void } }).console;
    (this.options.onError ?? ((each) => console?.error(each)))(error);
  }
}

/** Return the URL of an application's websocket. */
export function websocketUrl(base: string | URL, path: string): URL {
  const url = new URL(base);
  url.protocol = url.protocol.replace(/^http/, "ws");
  url.pathname = url.pathname.replace(/\/$/, "") + path;
  url.search = url.hash = "";
  return url;
}

/** Encode a path variable. It must be one segment, because servers treat an encoded slash as a slash. */
export function encodeSegment(name: string, value: string): string {
  if (/^\.{0,2}$|\//.test(value)) {
    throw new RangeError(`${name}: ${JSON.stringify(value)}: a variable of a path contains no slash, and is not empty, "." or ".."`);
  }
  return encodeURIComponent(value);
}

/** Encode a path variable that may contain slashes. */
export function encodePath(value: string): string {
  return value.split("/").map(encodeURIComponent).join("/");
}
