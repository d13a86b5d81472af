// Begins here: who is signed in, and which view the address asks for.

import { onSignedOut } from "./api.js";
import { endDeposits } from "./deposit.js";
import { make, problem, replace } from "./dom.js";
import { FileView } from "./file.js";
import { FilesView } from "./files.js";
import { keepMoments } from "./format.js";
import { Live } from "./live.js";
import { Overview } from "./overview.js";
import { findSession, session, showSignIn, signOut } from "./session.js";

const main = document.getElementById("main");
const views = document.getElementById("views");
const signedIn = document.getElementById("signed-in");
const liveText = document.getElementById("live");

/// What every view may use of what is known of the whole depot.
const depot = { overview: undefined };

let view;
const live = new Live((overview) => {
  depot.overview = overview;
  view?.update?.(overview);
}, (state) => {
  const texts = { live: "live", polling: "every 10 s", lost: "no connection" };
  liveText.hidden = false;
  liveText.textContent = texts[state];
  liveText.className = `live ${state}`;
});

function decoded(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

function show() {
  const [, kind, rest] = /^#\/(?:([a-z]+)\/?)?(.*)$/s.exec(location.hash) ?? [undefined, "", ""];
  if (location.hash === "#main") return;
  view?.close?.();
  view = undefined;
  let shown = kind;
  if (kind === "file") view = new FileView(main, decoded(rest), depot);
  else if (kind === "files" || !session.reachesEverything) {
    view = new FilesView(main, decoded(rest ?? ""), depot);
    shown = "files";
  } else {
    view = new Overview(main);
    shown = "overview";
  }
  if (depot.overview) view.update?.(depot.overview);
  for (const link of views.querySelectorAll("a")) {
    const isShown = link.dataset.view === (shown === "file" ? "files" : shown);
    if (isShown) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
  document.title = view.title ? `${view.title} – depot` : "depot";
  window.scrollTo(0, 0);
}

function begin() {
  views.hidden = false;
  signedIn.hidden = false;
  for (const link of views.querySelectorAll("[data-scope=everything]")) link.hidden = !session.reachesEverything;
  const { name, scope, prefixes } = session.body;
  replace(document.getElementById("who"), make("bdi", {}, name), make("span", { class: "dim" },
    ` ${scope === name ? "" : scope}${prefixes ? `, ${prefixes.length === 1 ? prefixes[0] : `${prefixes.length} prefixes`}` : ""}`));
  if (session.reachesEverything) live.start();
  show();
}

function end(reason) {
  live.stop();
  view?.close?.();
  view = undefined;
  depot.overview = undefined;
  endDeposits();
  session.body = undefined;
  views.hidden = true;
  signedIn.hidden = true;
  liveText.hidden = true;
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  showSignIn(main, reason, begin);
}

document.getElementById("sign-out").addEventListener("click", async () => {
  await signOut();
  end();
});
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
onSignedOut((error) => { if (session.body) end(`The session has ended: ${error.message}`); });
window.addEventListener("hashchange", () => { if (session.body) show(); });
// What is dropped beside the place for it must not replace the page.
for (const kind of ["dragover", "drop"]) {
  window.addEventListener(kind, (event) => event.preventDefault());
}
keepMoments();
try {
  if (await findSession()) begin(); else end();
} catch (error) {
  replace(main, problem(error), make("button", { type: "button", onclick: () => location.reload() }, "Try again"));
}
