/* All nodes, and the consumers that did not keep up. */

const TONES = { stalled: "wait", websocket: "bad", subscriber: "bad", request: "bad" };

function overviewView() {
  const nodes = h("ul", { class: "nodes" });
  const slow = h("tbody");
  const table = h(
    "table",
    { class: "rows" },
    h("thead", null, h("tr", null, ["When", "What", "Client", "Route or channel", "Reason"].map((each) => h("th", { scope: "col" }, each)))),
    slow,
  );
  const none = h("p", { class: "empty" }, "Every peer keeps up.");
  const element = h(
    "div",
    { class: "stack" },
    h("section", { "aria-labelledby": "nodes-title" }, h("h2", { id: "nodes-title" }, "Nodes"), nodes),
    h("section", { class: "card", "aria-labelledby": "slow-title" }, h("h2", { id: "slow-title" }, "Slow consumers"), none, table),
  );

  async function refresh() {
    const report = await ask({ ask: "overview" });
    showEach(nodes, report.nodes, (each) => each.node.id, makeNode, (card, status) => fillNode(card, status, report.here));
    const rows = report.nodes.flatMap((each) => (each.overview?.slow ?? []).map((row) => ({ ...row, node: each.node }))).sort((a, b) => a.ago - b.ago).slice(0, 100);
    table.hidden = !rows.length;
    none.hidden = Boolean(rows.length);
    slow.replaceChildren(...rows.map(slowRow));
    summarize(report);
  }
  return { element, refresh };
}

function slowRow(row) {
  const client = row.connection ? h("a", { href: `#connections/${row.connection}` }, row.address || row.connection) : row.address || "–";
  return h(
    "tr",
    null,
    h("td", { "data-label": "When" }, `${duration(row.ago)} ago`),
    h("td", { "data-label": "What" }, badge(row.kind, TONES[row.kind])),
    h("td", { "data-label": "Client", class: "mono" }, client),
    h("td", { "data-label": "Route or channel", class: "mono" }, row.channel || row.route || "–"),
    h("td", { "data-label": "Reason" }, row.reason),
  );
}

function makeNode(status) {
  return h("li", { class: "card node", "data-node": status.node.id });
}

function fact(name, value, extra = "") {
  return h("div", null, h("dt", null, name), h("dd", null, value, extra));
}

/** Return a fact, twice as wide if it is long. */
function longFact(name, value) {
  const element = fact(name, value);
  if (value.length > 20) element.className = "long";
  return element;
}

function fillNode(card, status, here) {
  // A card that has the focus keeps its elements; only its facts change.
  if (card.contains(document.activeElement) && card.dataset.error === (status.error ?? "")) {
    const old = card.querySelector("dl");
    if (status.overview && old) old.replaceWith(nodeFacts(status.overview));
    return;
  }
  const { node, overview } = status;
  card.dataset.error = status.error ?? "";
  card.replaceChildren(
    h(
      "header",
      { class: "head" },
      h("h3", null, nodeName(node)),
      overview ? badge(overview.is_draining ? "draining" : "running", overview.is_draining ? "wait" : "good") : badge("no answer", "bad"),
      node.id === here ? badge("this page", "info") : "",
    ),
    h("code", { class: "path" }, node.id),
  );
  if (!overview) {
    card.append(h("p", { class: "fault" }, `${status.error}.`));
    return;
  }
  card.append(nodeFacts(overview));
  for (const broker of overview.brokers) {
    for (const problem of broker.problems) card.append(h("p", { class: "fault" }, problem));
  }
  card.append(
    h(
      "div",
      { class: "buttons" },
      h("a", { class: "button small", href: `#settings/${node.id}` }, "Settings"),
      overview.can_drain && !overview.is_draining ? h("button", { class: "small", type: "button", click: () => drain(node) }, "Drain") : "",
    ),
  );
}

function nodeFacts(overview) {
  const worst = overview.lag.length ? Math.max(...overview.lag) : null;
  const list = h(
    "dl",
    { class: "facts" },
    fact("Connections", whole.format(overview.connections)),
    fact("Uptime", duration(overview.uptime)),
    fact("Memory", overview.resident === null ? "–" : bytes(overview.resident)),
    fact("Held for peers", overview.held_memory === null ? "–" : bytes(overview.held_memory)),
    ...overview.brokers.map((broker) => fact(overview.brokers.length > 1 ? `Broker ${broker.prefix}` : "Broker", brokerState(broker))),
    fact("Loop lag, worst", worst === null ? "–" : milliseconds(worst)),
  );
  const wide = fact("Loop lag, last half minute", sparkline(overview.lag, 5));
  wide.className = "wide";
  list.append(wide);
  list.append(h("div", { class: "wide quiet" }, `emmett ${overview.version}, ${overview.engine} engine, Python ${overview.python}`));
  return list;
}

function brokerState(broker) {
  if (broker.ok === null) return "checking";
  const kind = broker.broker.replace(/Broker$/, "");
  const took = broker.round_trip === null ? "" : ` ${milliseconds(broker.round_trip * 1000)}`;
  return h("span", { class: broker.ok ? "" : "fault" }, `${kind}${broker.ok ? took : " fails"}`);
}

function drain(node) {
  confirmThen(
    `Drain ${nodeName(node)}?`,
    "It accepts nothing more, closes its websockets with 1012 in batches, so that their clients go elsewhere, and ends. What supervises it starts another one.",
    [],
    "Drain",
    async () => {
      await ask({ ask: "drain", node: node.id });
    },
  );
}

/** Show the state of the service at the top. */
function summarize(report) {
  const answered = report.nodes.filter((each) => each.overview);
  const connections = answered.reduce((sum, each) => sum + each.overview.connections, 0);
  const silent = report.nodes.length - answered.length;
  setText(
    document.getElementById("summary"),
    `${count(answered.length, "node")}, ${count(connections, "connection")}${silent ? `, ${count(silent, "node")} without an answer` : ""}`,
  );
}
