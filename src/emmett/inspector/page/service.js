/* Questions to the service, and the dialog that confirms an action. */

const settings = document.body.dataset;
const base = location.pathname.replace(/\/+$/, "");
// Questions that take longer than this fail; nodes have two seconds to answer.
const PATIENCE = 12000;

class Refused extends Error {}

/** Ask the service, and return its answer. Throws `Refused` with a reason, or another error if it is unreachable. */
async function ask(question) {
  const headers = { "content-type": "application/json" };
  if (settings.header) headers[settings.header] = settings.token;
  const response = await fetch(`${base}/ask`, {
    method: "POST",
    headers,
    body: JSON.stringify(question),
    signal: AbortSignal.timeout(PATIENCE),
  });
  const isJSON = response.headers.get("content-type")?.startsWith("application/json");
  const answer = isJSON ? await response.json() : null;
  if (response.ok && answer) return answer;
  throw new Refused(answer?.error ?? `The service refuses with ${response.status}. Reload the page: a login may have ended.`);
}

const dialog = document.getElementById("dialog");

/** Ask for confirmation, with fields to fill in, and run the action. The dialog stays open if it fails. */
function confirmThen(title, text, fields, label, act) {
  const fault = h("p", { class: "fault", role: "alert" });
  const button = h("button", { class: "danger", type: "submit" }, label);
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    fault.textContent = "";
    try {
      await act();
      dialog.close();
    } catch (error) {
      fault.textContent = error.message;
    }
    button.disabled = false;
  };
  dialog.replaceChildren(
    h(
      "form",
      { submit },
      h("h2", { id: "dialog-title" }, title),
      h("p", null, text),
      ...fields,
      fault,
      h("div", { class: "buttons" }, h("button", { type: "button", click: () => dialog.close() }, "Cancel"), button),
    ),
  );
  dialog.showModal();
  (dialog.querySelector("input") ?? button).focus();
}

/** Return a note that names the nodes that have not answered, hidden if all have. */
function silentNodes() {
  const note = h("p", { class: "note", hidden: true });
  note.show = (nodes) => {
    const silent = nodes.filter((each) => each.error);
    note.hidden = !silent.length;
    setText(note, silent.map((each) => `${nodeName(each.node)}: ${each.error}.`).join(" "));
  };
  return note;
}

function nodeName(node) {
  return node.host ? `${node.host} · ${node.pid}` : node.id;
}
