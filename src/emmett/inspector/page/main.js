/* Shows the view that the fragment of the URL names, and refreshes it while the page is visible. */

// Milliseconds between two refreshes, and after the last key press in a filter.
const INTERVAL = 2000;
const TYPING = 250;

const main = document.getElementById("main");
const trouble = document.getElementById("trouble");
const pause = document.getElementById("pause");
let view = null;
let timer = null;
let isAsking = false;

function viewOf(name, rest) {
  if (name === "connections") return rest ? connectionView(rest) : connectionsView();
  if (name === "channels") return rest ? channelView(rest) : channelsView();
  if (name === "settings") return settingsView(rest);
  return overviewView();
}

function isPaused() {
  return pause.getAttribute("aria-pressed") === "true";
}

function later(milliseconds) {
  clearTimeout(timer);
  timer = setTimeout(refresh, milliseconds);
}

async function refresh() {
  const own = view;
  if (document.hidden || isAsking) {
    later(INTERVAL);
    return;
  }
  isAsking = true;
  try {
    await own.refresh();
    if (own === view) trouble.hidden = true;
  } catch (error) {
    if (own === view) {
      trouble.hidden = false;
      setText(trouble, error instanceof Refused ? error.message : "The service does not answer. Trying again.");
    }
  }
  isAsking = false;
  if (own !== view) later(0);
  else if (!isPaused()) later(INTERVAL);
}

function show() {
  if (location.hash === "#main") return;
  const [name, rest] = location.hash.slice(1).split(/\/(.*)/);
  view?.leave?.();
  view = viewOf(name, rest ? decodeURIComponent(rest) : "");
  view.onChange?.(() => later(TYPING));
  main.replaceChildren(view.element);
  for (const link of document.querySelectorAll(".tabs a")) {
    const isCurrent = link.hash.slice(1) === (["connections", "channels", "settings"].includes(name) ? name : "overview");
    if (isCurrent) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  trouble.hidden = true;
  later(0);
}

pause.addEventListener("click", () => {
  pause.setAttribute("aria-pressed", String(!isPaused()));
  setText(pause, isPaused() ? "Go on" : "Pause");
  if (!isPaused()) later(0);
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && !isPaused()) later(0);
});
addEventListener("hashchange", show);
show();

// The numbers at the top are those of the overview, whichever view is shown.
setInterval(async () => {
  if (document.hidden || isPaused() || !location.hash || location.hash === "#overview") return;
  try {
    summarize(await ask({ ask: "overview" }));
  } catch {
    // The view itself shows the error.
  }
}, 3 * INTERVAL);
