/* The channels of all nodes, and one of them. */

const CHANNEL_COLUMNS = ["Channel", "Subscribers", "Nodes", "History", "Presence"];
const channelFilter = { contains: "", internal: false };

function channelsView() {
  const body = h("tbody");
  const shown = h("p", { class: "quiet" });
  const note = silentNodes();
  const none = h("p", { class: "empty", hidden: true }, "No channel has subscribers here.");
  const table = h("table", { class: "rows" }, h("thead", null, h("tr", null, CHANNEL_COLUMNS.map((each) => h("th", { scope: "col" }, each)))), body);
  let again = () => {};
  const contains = h("input", { type: "search", value: channelFilter.contains, autocomplete: "off", spellcheck: "false", input: () => { channelFilter.contains = contains.value.trim(); again(); } });
  const internal = h("input", { type: "checkbox", checked: channelFilter.internal, change: () => { channelFilter.internal = internal.checked; again(); } });
  const element = h(
    "div",
    { class: "stack" },
    filterCard(field("Name", contains), h("label", { class: "check" }, internal, "emmett's own")),
    h("section", { class: "card", "aria-label": "Channels" }, shown, note, none, table),
  );

  async function refresh() {
    const { channels, nodes } = await ask({ ask: "channels", ...channelFilter, limit: 200 });
    showEach(body, channels.rows, (row) => row.name, makeChannelRow, fillChannelRow);
    const all = count(channels.matching, "channel");
    setText(shown, channels.rows.length < channels.matching ? `${all}, the first ${channels.rows.length} are shown` : all);
    none.hidden = Boolean(channels.rows.length);
    table.hidden = !channels.rows.length;
    note.show(nodes);
  }
  return { element, refresh, onChange: (callback) => (again = callback) };
}

function makeChannelRow(row) {
  const cells = CHANNEL_COLUMNS.map((label) => h("td", { "data-label": label }));
  const href = `#channels/${encodeURIComponent(row.name)}`;
  cells[0].append(h("a", { href, class: "mono" }, row.name), h("span"));
  for (const cell of cells.slice(1)) cell.className = "number";
  return h("tr", { click: (event) => { if (!event.target.closest("a") && !String(getSelection())) location.hash = href.slice(1); } }, cells);
}

function fillChannelRow(element, row) {
  const cells = element.children;
  cells[0].lastChild.replaceWith(row.is_lost ? badge("receives nothing", "bad") : h("span"));
  setText(cells[1], whole.format(row.subscribers));
  setText(cells[2], whole.format(row.nodes ?? 1));
  setText(cells[3], row.history ? `${whole.format(row.history)} kept` : "–");
  setText(cells[4], row.presence ? "yes" : "–");
}

/** One channel: its members, its history, and its live publications. */
function channelView(name) {
  const tail = tailOf({ channel: name });
  const members = h("ul", { class: "members" });
  const history = h("ol", { class: "log short", tabindex: "0", "aria-label": "History" });
  const memberCount = h("span", { class: "quiet" });
  const top = h("span", { class: "quiet mono" });
  const problems = h("p", { class: "fault", role: "status" });
  const membersCard = h("section", { class: "card", hidden: true }, h("header", { class: "head" }, h("h2", null, "Members"), memberCount), members);
  const historyCard = h("section", { class: "card", hidden: true }, h("header", { class: "head" }, h("h2", null, "History"), top), history);
  const element = h(
    "div",
    { class: "stack" },
    h("section", { class: "card" }, h("header", { class: "head" }, h("a", { class: "button small", href: "#channels" }, "All channels"), h("h2", { class: "mono" }, name)), problems),
    membersCard,
    historyCard,
    tail.element,
  );

  async function refresh() {
    const report = await ask({ ask: "channel", name, payloads: Boolean(settings.payloads) });
    setText(problems, report.problems.join(" "));
    membersCard.hidden = report.members === null;
    historyCard.hidden = report.history === null;
    const all = (report.members?.length ?? 0) + report.more_members;
    setText(memberCount, report.more_members ? `${whole.format(all)}, the first ${report.members.length} are shown` : whole.format(all));
    showEach(members, report.members ?? [], (each) => each.member, (each) => h("li", null, h("b", null, each.member), h("span", { class: "quiet" })), (item, each) => setText(item.lastChild, [each.connections > 1 ? `×${each.connections}` : "", each.info && each.info !== "null" ? each.info : ""].filter(Boolean).join(" ")));
    setText(top, report.top ? `up to ${report.top}` : "");
    showEach(history, [...(report.history ?? [])].reverse(), (each) => each.position, keptLine, () => {});
  }
  return { element, refresh, leave: tail.stop };
}

function keptLine(kept) {
  const line = tailLine(kept.message);
  line.querySelector(".kind").textContent = kept.position.replace(/^.*:/, "#");
  return line;
}
