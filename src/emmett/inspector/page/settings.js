/* The settings of a node, without secrets. */

function settingsView(id) {
  const node = h("select", { change: () => { location.hash = `settings/${node.value}`; } });
  const search = h("input", { type: "search", autocomplete: "off", spellcheck: "false", input: () => narrow() });
  const changed = h("input", { type: "checkbox", change: () => narrow() });
  const sections = h("div", { class: "sections" });
  const none = h("p", { class: "empty", hidden: true }, "No setting matches.");
  const element = h(
    "div",
    { class: "stack" },
    filterCard(field("Node", node), field("Name", search), h("label", { class: "check" }, changed, "Only what was changed")),
    none,
    sections,
  );
  let rows = [];

  function narrow() {
    const text = search.value.trim().toLowerCase();
    const wanted = rows.filter((row) => `${row.section}.${row.name}`.toLowerCase().includes(text) && (!changed.checked || row.is_changed));
    const names = [...new Set(wanted.map((row) => row.section))];
    none.hidden = Boolean(names.length);
    sections.replaceChildren(
      ...names.map((name) =>
        h(
          "section",
          { class: "card" },
          h("h2", null, name),
          h("dl", { class: "settings" }, wanted.filter((row) => row.section === name).map((row) => h("div", null, h("dt", { class: "mono" }, row.name, row.is_changed ? badge("changed", "info") : ""), h("dd", { class: "mono" }, row.value)))),
        ),
      ),
    );
  }

  async function refresh() {
    // Settings do not change while a node runs, so they are read once.
    if (rows.length) return;
    const { nodes } = await ask({ ask: "settings" });
    const answered = nodes.filter((each) => each.settings);
    const chosen = answered.find((each) => each.node.id === id) ?? answered[0];
    node.replaceChildren(...answered.map((each) => h("option", { value: each.node.id, selected: each === chosen }, nodeName(each.node))));
    rows = chosen?.settings ?? [];
    narrow();
  }
  return { element, refresh };
}
