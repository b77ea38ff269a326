/* The live messages of a connection or channel, received over a separate websocket. */

// The most lines that are kept.
const MAX_LINES = 300;
const ARROWS = { received: "→ in", sent: "← out", published: "pub" };
const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", fractionalSecondDigits: 3 });

/** Return the log of a connection or channel: its element, and functions to end it. */
function tailOf(target) {
  const log = h("ol", { class: "log", role: "log", "aria-label": "Messages", tabindex: "0" });
  const state = h("span", { class: "state", role: "status" }, "Connecting");
  const link = h("div", { class: "link", "data-state": "connecting" }, state);
  const hold = h("button", { class: "small", type: "button", "aria-pressed": "false", click: () => hold.setAttribute("aria-pressed", String(!held())) }, "Hold");
  const held = () => hold.getAttribute("aria-pressed") === "true";
  const payloads = h("input", { type: "checkbox", change: () => start() });
  const choice = settings.payloads ? h("label", { class: "check" }, payloads, "Payloads") : "";
  const clear = h("button", { class: "small", type: "button", click: () => log.replaceChildren() }, "Clear");
  const element = h(
    "section",
    { class: "card", "aria-labelledby": "tail-title" },
    h("header", { class: "head" }, h("h2", { id: "tail-title" }, "As it passes"), link, choice, hold, clear),
    h("p", { class: "quiet" }, settings.payloads ? "A sample: of a busy one, at most 100 messages a second." : "A sample, without payloads: app.inspector(…, payloads=True) allows them."),
    log,
  );
  let socket = null;
  let isOver = false;

  function say(kind, text) {
    link.dataset.state = kind;
    setText(state, text);
  }

  function add(...lines) {
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    log.append(...lines);
    while (log.children.length > MAX_LINES) log.firstChild.remove();
    if (atEnd) log.scrollTop = log.scrollHeight;
  }

  function stop() {
    const old = socket;
    socket = null;
    old?.close();
  }

  function over(text) {
    if (isOver) return;
    isOver = true;
    say("closed", text);
    stop();
  }

  function start() {
    stop();
    isOver = false;
    say("connecting", "Connecting");
    const query = new URLSearchParams({ ...target, payloads: payloads.checked ? "1" : "" });
    const own = new WebSocket(`${location.origin.replace(/^http/, "ws")}${base}/live?${query}`);
    socket = own;
    own.addEventListener("open", () => own === socket && say("open", "Listening"));
    own.addEventListener("close", () => own === socket && !isOver && over("The inspector was disconnected"));
    own.addEventListener("message", (event) => {
      if (own !== socket) return;
      const news = JSON.parse(event.data);
      if (news.error) {
        over(news.error);
        return;
      }
      if (!held()) {
        add(...news.messages.map(tailLine));
        if (news.skipped) add(h("li", { class: "quiet" }, `${count(news.skipped, "more message")} not shown`));
      }
      if (news.ended) over(news.ended);
    });
  }
  start();
  return { element, stop, over };
}

function tailLine(message) {
  const unit = message.kind === "text" ? "characters" : "bytes";
  return h(
    "li",
    { "data-direction": message.direction },
    h("div", { class: "line" }, message.at ? h("time", null, clock.format(message.at * 1000)) : "", h("span", { class: "kind" }, ARROWS[message.direction]), h("span", { class: "quiet" }, `${message.kind}, ${whole.format(message.size)} ${unit}`)),
    message.payload === undefined || message.payload === null ? "" : h("pre", null, message.payload + (message.is_cut ? " …" : "")),
  );
}
