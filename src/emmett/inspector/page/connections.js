/* The connections of all nodes, and one of them. */

const COLUMNS = ["Connection", "Route", "User", "Client", "Age", "Received", "Sent", "Waiting"];
// The filter, kept while other views are shown.
const filter = { route: "", user: "", address: "", min_age: "", max_age: "", min_backlog: "", order: "backlog" };

function connectionsView() {
  const body = h("tbody");
  const shown = h("p", { class: "quiet" });
  const note = silentNodes();
  const none = h("p", { class: "empty", hidden: true }, "No connection matches.");
  const table = h("table", { class: "rows" }, h("thead", null, h("tr", null, COLUMNS.map((each) => h("th", { scope: "col" }, each)))), body);
  let again = () => {};
  const input = (name, attributes) =>
    h("input", { name, value: filter[name], autocomplete: "off", spellcheck: "false", ...attributes, input: (event) => { filter[name] = event.target.value.trim(); again(); } });
  const order = h(
    "select",
    { name: "order", change: (event) => { filter.order = event.target.value; again(); } },
    [["backlog", "Most waiting"], ["age", "Oldest"], ["received", "Most received"], ["sent", "Most sent"]].map(([value, text]) => h("option", { value, selected: filter.order === value }, text)),
  );
  const number = { type: "number", min: "0", inputmode: "numeric" };
  const element = h(
    "div",
    { class: "stack" },
    filterCard(
      field("Route", input("route", { type: "search" })),
      field("User", input("user", { type: "search" })),
      field("Address", input("address", { type: "search" })),
      field("Age from, s", input("min_age", number), "narrow"),
      field("Age up to, s", input("max_age", number), "narrow"),
      field("Waiting from", input("min_backlog", number), "narrow"),
      field("First", order),
    ),
    h("section", { class: "card", "aria-label": "Connections" }, shown, note, none, table),
  );

  async function refresh() {
    const wanted = Object.fromEntries(["route", "user", "address"].map((name) => [name, filter[name]]));
    for (const name of ["min_age", "max_age"]) if (filter[name] !== "") wanted[name] = Number(filter[name]);
    wanted.min_backlog = Math.floor(Number(filter.min_backlog) || 0);
    const { connections, nodes } = await ask({ ask: "connections", filter: wanted, order: filter.order, limit: 200 });
    const { rows, matching, total } = connections;
    showEach(body, rows, (row) => row.id, makeConnectionRow, fillConnectionRow);
    const all = matching === total ? count(total, "connection") : `${whole.format(matching)} of ${count(total, "connection")} match`;
    setText(shown, rows.length < matching ? `${all}, the first ${whole.format(rows.length)} are shown` : all);
    none.hidden = Boolean(rows.length);
    table.hidden = !rows.length;
    note.show(nodes);
  }
  return { element, refresh, onChange: (callback) => (again = callback) };
}

function makeConnectionRow(row) {
  const cells = COLUMNS.map((label) => h("td", { "data-label": label }));
  cells[0].append(h("a", { href: `#connections/${row.id}`, class: "mono" }, row.id));
  cells[1].append(h("span", null, h("b", null, row.route), " ", h("span", { class: "mono quiet" }, row.path)));
  cells[3].className = "mono";
  for (const cell of cells.slice(4)) cell.className = "number";
  return h("tr", { click: (event) => { if (!event.target.closest("a") && !String(getSelection())) location.hash = `connections/${row.id}`; } }, cells);
}

function fillConnectionRow(element, row) {
  const cells = element.children;
  setText(cells[2], row.users.join(", ") || "–");
  setText(cells[3], row.address || "–");
  setText(cells[4], duration(row.age));
  setText(cells[5], whole.format(row.received));
  setText(cells[6], whole.format(row.sent));
  setText(cells[7], waiting(row));
  cells[7].classList.toggle("fault", row.unsent > 65536 || row.unread > 0);
}

function waiting(row) {
  const parts = [];
  if (row.unsent) parts.push(bytes(row.unsent));
  if (row.unread) parts.push(count(row.unread, "message"));
  return parts.join(", ") || "–";
}

/** One connection: its details, its live messages, and a button to close it. */
function connectionView(id) {
  const facts = h("dl", { class: "facts" });
  const note = silentNodes();
  const tail = tailOf({ connection: id });
  const element = h(
    "div",
    { class: "stack" },
    h(
      "section",
      { class: "card", "aria-labelledby": "one-title" },
      h(
        "header",
        { class: "head" },
        h("a", { class: "button small", href: "#connections" }, "All connections"),
        h("h2", { id: "one-title", class: "mono" }, id),
        h("button", { class: "danger small", type: "button", click: () => closeConnection(id) }, "Close it"),
      ),
      note,
      facts,
    ),
    tail.element,
  );

  async function refresh() {
    const { connections, nodes } = await ask({ ask: "connections", filter: { id } });
    const row = connections.rows[0];
    note.show(nodes);
    if (!row) {
      tail.over("The connection has ended.");
      if (!facts.children.length) facts.replaceChildren(fact("State", "it has ended"));
      return;
    }
    facts.replaceChildren(
      fact("Route", row.route),
      longFact("Path", row.path),
      longFact("User", row.users.join(", ") || "–"),
      fact("Client", row.address || "–"),
      fact("Age", duration(row.age)),
      fact("Received", whole.format(row.received)),
      fact("Sent", whole.format(row.sent)),
      fact("Waiting", waiting(row)),
      row.subprotocol ? fact("Subprotocol", row.subprotocol) : "",
    );
  }
  return { element, refresh, leave: tail.stop };
}

function closeConnection(id) {
  const code = h("input", { type: "number", value: "1008", min: "1000", max: "4999", required: true });
  const reason = h("input", { type: "text", maxlength: "123", autocomplete: "off" });
  confirmThen(
    `Close ${id}?`,
    "The client sees the code and the reason. It may connect again.",
    [field("Code", code), field("Reason", reason)],
    "Close it",
    async () => {
      await ask({ ask: "close", connection: id, code: Number(code.value), reason: reason.value });
    },
  );
}
