// What a name was before: retrieve, revert, undelete.

import { change, contentPath, filePath, get } from "./api.js";
import { ask } from "./dialogs.js";
import { announce, badge, button, make } from "./dom.js";
import { bytes, exactBytes, kindOf, moment, versionText } from "./format.js";
import { session } from "./session.js";

const pageSize = 50;

/// What happens after a deletion was taken back.
export async function undelete(name) {
  await change("POST", filePath(name, "revert"), {});
  announce(`${name} is there again.`);
}

async function revert(name, word) {
  return ask("Revert to this version?", make("p", {},
    "What the name is now stays as a version. No copy is made, and nothing is deleted."), {
    confirm: "Revert",
    act: async () => {
      await change("POST", filePath(name, "revert"), { sequence: word.sequence });
      announce("It is what it was.");
    },
  });
}

export async function versionPage(name, before) {
  return get(filePath(name, "versions"), { limit: pageSize, before });
}

export function downloadLink(name, sequence, text, properties) {
  return make("a", { href: contentPath(name, sequence), download: name.split("/").at(-1), ...properties }, text);
}

/// - Parameter onChange: the name is something else now.
export function showVersions(name, page, onChange) {
  const body = make("tbody", { role: "rowgroup" }, page.versions.map((word) => row(name, word, onChange)));
  const box = make("div", {}, make("table", { role: "table", class: "grid versions" },
    make("thead", { role: "rowgroup" }, make("tr", { role: "row" },
      ["Since", "What", "Size", "Copies", "Do"].map((text) =>
        make("th", { role: "columnheader", scope: "col" }, text)))), body));
  const goOn = (last) => {
    if (!last.hasMore) return;
    const more = button("Show older ones", {}, async () => {
      const next = await versionPage(name, last.versions.at(-1).sequence);
      body.append(...next.versions.map((word) => row(name, word, onChange)));
      more.remove();
      goOn(next);
    });
    box.append(more);
  };
  goOn(page);
  return box;
}

function row(name, word, onChange) {
  const cell = (label, ...content) => make("td", { role: "cell", "data-label": label }, content);
  const { file } = word;
  const mayRevert = session.may("write") && file && !word.isCurrent;
  const isPlain = file && kindOf(file) === "file";
  return make("tr", { role: "row" },
    make("th", { role: "rowheader", scope: "row" }, moment(word.time)),
    cell("What", word.isCurrent ? badge(file ? "good" : "notice", file ? "current" : "deleted")
      : badge("plain", file ? "version" : "deletion"), word.lock ? badge("notice", "locked") : undefined,
    make("span", { class: "dim sequence" }, versionText(word.sequence))),
    cell("Size", file ? make("span", { title: exactBytes(file.size) }, bytes(file.size)) : "–"),
    cell("Copies", file ? String(file.level) : "–"),
    cell("Do", isPlain ? downloadLink(name, word.isCurrent ? undefined : word.sequence, "Retrieve") : undefined, " ",
      mayRevert ? button("Revert to it", { class: "quiet", "data-key": `revert-${word.sequence}` }, async () => {
        if (await revert(name, word)) onChange();
      }) : undefined));
}
