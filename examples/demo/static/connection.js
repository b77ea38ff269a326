/** A websocket that reconnects when it is lost, and a panel that shows its state. */

const FIRST_WAIT = 500; // milliseconds before the first new attempt; each further one waits twice as long
const LONGEST_WAIT = 15_000;
const CONNECT_DEADLINE = 10_000;
const STABLE = 5_000; // milliseconds after which a connection counts as stable: the pauses are reset

export class Connection {
  /**
   * @param {HTMLElement} panel holds the elements `.link`, `.state`, `.countdown` and `.again`
   * @param {() => string} path path and query, asked for at each new try
   * @param {{onOpen?: () => void, onMessage: (data: string | ArrayBuffer) => void, onLost?: () => void}} handlers
   */
  constructor(panel, path, handlers) {
    this.panel = panel;
    this.link = panel.querySelector(".link");
    this.state = panel.querySelector(".state");
    this.countdown = panel.querySelector(".countdown");
    this.again = panel.querySelector(".again");
    this.path = path;
    this.handlers = handlers;
    this.tries = 0;
    this.again.addEventListener("click", () => this.#connect());
    window.addEventListener("online", () => this.#connect());
    this.#connect();
  }

  get isOpen() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  /** Send text or bytes; return false if there is no connection. */
  send(data) {
    if (this.isOpen) this.socket.send(data);
    return this.isOpen;
  }

  #connect() {
    if (this.socket && this.socket.readyState !== WebSocket.CLOSED) return;
    clearInterval(this.timer);
    const url = new URL(this.path(), location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = (this.socket = new WebSocket(url));
    socket.binaryType = "arraybuffer";
    const deadline = setTimeout(() => socket.close(), CONNECT_DEADLINE);
    let opened = Infinity;
    socket.addEventListener("open", () => {
      clearTimeout(deadline);
      opened = performance.now();
      this.#show("open", "Connected");
      this.handlers.onOpen?.();
    });
    socket.addEventListener("message", (event) => this.handlers.onMessage(event.data));
    socket.addEventListener("close", (event) => {
      clearTimeout(deadline);
      if (performance.now() - opened >= STABLE) this.tries = 0;
      this.#waitAndConnect(event.reason);
      if (opened < Infinity) this.handlers.onLost?.();
    });
    this.#show("connecting", "Connecting");
  }

  #waitAndConnect(reason) {
    const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.tries++);
    // The jitter keeps the pages of a restarted server from reconnecting all at the same moment.
    const end = performance.now() + longest * (0.5 + Math.random() / 2);
    this.#show("lost", reason ? `Not connected: ${reason}` : "Not connected");
    const tick = () => {
      const left = end - performance.now();
      if (left <= 0) this.#connect();
      else this.countdown.textContent = `again in ${Math.ceil(left / 1000)} s`;
    };
    this.timer = setInterval(tick, 100);
    tick();
  }

  #show(state, text) {
    // Keep the focus when its button disappears.
    if (state === "open" && this.again === document.activeElement) this.panel.querySelector("input").focus();
    this.link.dataset.state = state;
    this.countdown.textContent = "";
    this.again.hidden = state === "open" || this.tries === 0;
    if (this.state.textContent !== text) this.state.textContent = text;
  }
}
