/** The live feed: over a websocket, or over server-sent events where websockets do not work. */

const FIRST_WAIT = 500; // milliseconds before the first new attempt; each further one waits twice as long
const LONGEST_WAIT = 15_000;
const DEADLINE = 8_000; // milliseconds for connecting, and for an answer
const STABLE = 5_000; // milliseconds after which a connection counts as stable: the pauses are reset
const TRIES = 2; // failed websockets, while the server answers, before the page uses server-sent events

export class Live {
  /**
   * @param {{live: string, events: string, api: string}} paths where the feed is
   * @param {{after: () => number, onMessage: (message: object) => void, onState: (state: string, text: string) => void,
   *          onWait: (seconds: number) => void, onLogout: () => void}} handlers
   */
  constructor(paths, handlers) {
    this.paths = paths;
    this.handlers = handlers;
    this.tries = 0;
    this.failed = "WebSocket" in window ? 0 : TRIES;
    window.addEventListener("online", () => this.connect());
    // A page that the browser restores from memory must not have a feed that has ended.
    window.addEventListener("pageshow", (event) => event.persisted && location.reload());
    this.connect();
  }

  /** Send over the websocket, which is closed if no answer comes; return false if there is none. */
  send(data) {
    const isOpen = this.socket?.readyState === WebSocket.OPEN;
    if (!isOpen) return false;
    this.socket.send(data);
    clearTimeout(this.deadline);
    this.deadline = setTimeout(this.giveUp, DEADLINE);
    return true;
  }

  connect() {
    if (this.source || this.isBusy) return;
    this.isBusy = true;
    clearInterval(this.timer);
    this.handlers.onWait(0);
    this.handlers.onState("connecting", "Connecting");
    if (this.failed < TRIES) this.#openSocket();
    else this.#openEvents();
  }

  #openSocket() {
    const url = new URL(`${this.paths.live}?after=${this.handlers.after()}`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = (this.socket = new WebSocket(url));
    let opened = Infinity;
    const end = (code) => {
      // A socket that was given up reports its close much later.
      if (this.socket !== socket) return;
      this.socket = undefined;
      clearTimeout(this.deadline);
      if (code === 1008) return this.#logout();
      this.#lost(opened, opened === Infinity);
    };
    this.giveUp = () => {
      end();
      socket.close();
    };
    this.deadline = setTimeout(this.giveUp, DEADLINE);
    socket.addEventListener("open", () => {
      if (this.socket !== socket) return;
      clearTimeout(this.deadline);
      opened = performance.now();
      this.failed = 0;
      this.handlers.onState("open", "Live");
    });
    socket.addEventListener("message", (event) => {
      if (this.socket !== socket) return;
      clearTimeout(this.deadline);
      this.handlers.onMessage(JSON.parse(event.data));
    });
    socket.addEventListener("close", (event) => end(event.code));
  }

  #openEvents() {
    // When it reconnects, Last-Event-ID names the last notice; a new source has it in its URL.
    const source = (this.source = new EventSource(`${this.paths.events}?after=${this.handlers.after()}`));
    let opened = Infinity;
    source.addEventListener("open", () => {
      opened = performance.now();
      this.handlers.onState("open", "Live, by events");
    });
    source.addEventListener("message", (event) => this.handlers.onMessage(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      if (source.readyState !== EventSource.CLOSED) return this.handlers.onState("connecting", "Connecting");
      this.source = undefined;
      this.failed = "WebSocket" in window ? 0 : TRIES;
      this.#lost(opened, false);
    });
  }

  async #lost(opened, isRefused) {
    this.handlers.onState("connecting", "Connecting");
    // Scripts do not see the status of a refused handshake: ask whether the login has ended.
    const signal = AbortSignal.timeout(DEADLINE);
    const answer = await fetch(`${this.paths.api}?after=${this.handlers.after()}`, { signal }).catch(() => null);
    if (answer?.status === 403) return this.#logout();
    // The server answers, but websockets fail: something in between blocks them.
    if (isRefused && answer?.ok) this.failed += 1;
    this.isBusy = false;
    if (performance.now() - opened >= STABLE) this.tries = 0;
    const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.tries++);
    // The jitter keeps the pages of a restarted server from reconnecting all at the same moment.
    const end = performance.now() + longest * (0.5 + Math.random() / 2);
    this.handlers.onState("lost", "Not connected");
    clearInterval(this.timer);
    const tick = () => {
      const left = end - performance.now();
      if (left <= 0) this.connect();
      else this.handlers.onWait(Math.ceil(left / 1000));
    };
    this.timer = setInterval(tick, 100);
    tick();
  }

  #logout() {
    // The form stays disabled: there is nothing to connect to any more.
    this.handlers.onState("out", "Logged out");
    this.handlers.onLogout();
  }
}
