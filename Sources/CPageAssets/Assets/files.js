// Files, folder by folder. A folder can be opened in its place, or gone into. Each list is a page of
// what stands directly below a prefix, so a folder with 100,000 files costs as much as one with 200.

import { get } from "./api.js";
import { Deposits, hasFiles, pickFiles } from "./deposit.js";
import { badge, button, make, named, problem, replace } from "./dom.js";
import { bytes, count, exactBytes, kindOf, moment, number } from "./format.js";
import { session } from "./session.js";
import { undelete } from "./versions.js";

const pageSize = 100;
const foundMax = 50;
const searchDelay = 150;

export function folderLink(prefix) { return `#/files/${encodeURIComponent(prefix)}`; }
export function fileLink(name) { return `#/file/${encodeURIComponent(name)}`; }

/// The part of a name behind a prefix, for people to read.
function shown(name, prefix) { return name.slice(prefix.length) || "(nothing)"; }

export function crumbs(prefix) {
  const parts = prefix.split("/").filter((part, index, all) => index < all.length - 1 || part);
  let path = "";
  const links = parts.map((part) => {
    path += `${part}/`;
    return make("li", {}, make("a", { href: folderLink(path) }, named(part || "(nothing)")));
  });
  return make("nav", { "aria-label": "Folder", class: "crumbs" },
    make("ol", {}, make("li", {}, make("a", { href: folderLink("") }, "All files")), links));
}

const healthTexts = {
  whole: ["good", "whole"], degraded: ["warning", "degraded"], unreadable: ["urgent", "not readable"],
};

export function healthBadge(health, level) {
  if (!health) return make("span", { class: "dim", title: "It was not looked at; open the file." }, "–");
  const [kind, text] = healthTexts[health.state];
  const copies = health.state === "whole" ? "" : ` ${health.copies} of ${level}`;
  return make("span", { title: health.isOfAll ? undefined : "Of its first chunks only; open the file for all." },
    badge(kind, text + copies), health.isOfAll ? "" : " …");
}

export class FilesView {
  #prefix;
  #isDeleted = false;
  #list = make("tbody", { role: "rowgroup" });
  #more = make("div", { class: "more" });
  #said = make("div", { "aria-live": "polite" });
  #search;
  #asking;
  #deposits;

  constructor(main, prefix, depot) {
    this.#prefix = prefix;
    this.title = prefix || "Files";
    this.#deposits = Deposits.shared(depot);
    this.#deposits.onDone = () => this.#load();
    replace(main, this.#frame());
    this.#load();
  }

  close() {
    this.#asking?.abort();
    if (this.#deposits) this.#deposits.onDone = undefined;
  }

  #frame() {
    this.#search = make("input", {
      type: "search", id: "search", placeholder: "Names that begin with…", autocomplete: "off", spellcheck: "false",
      "aria-describedby": "search-hint",
    });
    let timer;
    this.#search.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.#load(), searchDelay);
    });
    const box = make("section", { class: "card files", "aria-labelledby": "files-title" },
      make("div", { class: "toolbar" },
        make("div", { class: "where" }, make("h1", { id: "files-title", class: "unseen" }, "Files"), crumbs(this.#prefix)),
        make("div", { class: "search" }, make("label", { for: "search", class: "unseen" }, "Find by the beginning of the name"),
          this.#search, make("span", { id: "search-hint", class: "unseen" },
            `From the beginning of the ${this.#prefix ? "name in this folder" : "whole name"}; the first ${foundMax} are shown.`)),
        this.#tools()),
      this.#said,
      make("table", { role: "table", class: "grid tree" },
        make("thead", { role: "rowgroup" }, make("tr", { role: "row" },
          ["Name", "Size", "Copies", "Health", "Versions", "Deposited"].map((text) =>
            make("th", { role: "columnheader", scope: "col" }, text)))),
        this.#list),
      this.#more);
    return [this.#takesDrops(box), this.#deposits.node];
  }

  #tools() {
    const deleted = make("input", { type: "checkbox", id: "deleted" });
    deleted.addEventListener("change", () => {
      this.#isDeleted = deleted.checked;
      this.#load();
    });
    const tools = make("div", { class: "tools" },
      make("label", { class: "check" }, deleted, " Show deleted"));
    if (session.may("append")) {
      tools.append(
        this.#deposits.levelChoice(),
        button("Deposit files…", { class: "primary" }, async () => this.#deposit(await pickFiles(false))),
        button("Deposit a folder…", {}, async () => this.#deposit(await pickFiles(true))));
    }
    return tools;
  }

  #deposit(files) { this.#deposits.add(files, this.#prefix); }

  /// Files and folders that are dropped go into the folder that is shown.
  #takesDrops(box) {
    if (!session.may("append")) return box;
    const hint = make("p", { class: "drop-hint dim" }, "Drop files or folders here to deposit them",
      this.#prefix ? [" into ", named(this.#prefix)] : "", ".");
    box.append(hint);
    box.addEventListener("dragover", (event) => {
      event.preventDefault();
      box.classList.add("dropping");
    });
    box.addEventListener("dragleave", () => box.classList.remove("dropping"));
    box.addEventListener("drop", async (event) => {
      event.preventDefault();
      box.classList.remove("dropping");
      if (!hasFiles(event.dataTransfer)) return;
      this.#deposit(await this.#deposits.dropped(event.dataTransfer));
    });
    return box;
  }

  async #load() {
    this.#asking?.abort();
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    const text = this.#search.value;
    try {
      if (this.#isDeleted) await this.#showDeleted(this.#prefix + text, signal);
      else if (text) await this.#showFound(this.#prefix + text, signal);
      else await this.#showFolder(signal);
      replace(this.#said);
    } catch (error) {
      if (error.name !== "AbortError") replace(this.#said, problem(error));
    }
  }

  // MARK: A folder

  async #showFolder(signal) {
    const page = await folderPage(this.#prefix, undefined, signal);
    const rows = page.entries.map((entry) => this.#row(entry, this.#prefix, 0));
    replace(this.#list, rows.length ? rows : emptyRow(session.may("append")
      ? "There is nothing here yet. Drop files here, or press ‘Deposit files’." : "There is nothing here."));
    this.#goOn(page, this.#prefix, 0, this.#more, (more) => append(this.#list, more), signal);
  }

  #goOn(page, prefix, depth, place, add, signal) {
    if (!page.next) return replace(place);
    replace(place, button("Show more", { "data-key": `more-${prefix}` }, async () => {
      const next = await folderPage(prefix, page.next, signal);
      add(next.entries.map((entry) => this.#row(entry, prefix, depth)));
      this.#goOn(next, prefix, depth, place, add, signal);
    }));
  }

  #row(entry, prefix, depth) {
    return entry.folder === undefined ? fileRow(entry, prefix, depth) : this.#folderRow(entry, prefix, depth);
  }

  #folderRow(entry, prefix, depth) {
    const name = shown(entry.folder, prefix);
    const row = make("tr", { role: "row", class: "folder" });
    let below = [];
    const toggle = button("▸", {
      class: "toggle", "aria-expanded": "false", "aria-label": `Open ${name}`, "data-key": `open-${entry.folder}`,
    }, async () => {
      const isOpen = toggle.getAttribute("aria-expanded") === "true";
      toggle.setAttribute("aria-expanded", String(!isOpen));
      toggle.textContent = isOpen ? "▸" : "▾";
      if (isOpen) {
        for (const one of below) { one.shut?.(); one.remove(); }
        below = [];
        return;
      }
      try {
        const page = await folderPage(entry.folder, undefined, this.#asking?.signal);
        const add = (rows) => { (below.at(-1) ?? row).after(...rows); below.push(...rows); };
        add(page.entries.map((one) => this.#row(one, entry.folder, depth + 1)));
        if (page.next) {
          const place = make("td", { role: "cell", colspan: "6", class: indent(depth + 1) });
          const more = make("tr", { role: "row" }, place);
          below.push(more);
          below.at(-2).after(more);
          this.#goOn(page, entry.folder, depth + 1, place, (rows) => {
            more.before(...rows);
            below.splice(below.indexOf(more), 0, ...rows);
          }, this.#asking?.signal);
        }
      } catch (error) { replace(this.#said, problem(error)); }
    });
    row.shut = () => { if (toggle.getAttribute("aria-expanded") === "true") toggle.click(); };
    const files = entry.files;
    return append(row, [
      make("th", { role: "rowheader", scope: "row", class: indent(depth) }, make("div", { class: "entry" }, toggle,
        make("a", { href: folderLink(entry.folder) }, named(name)))),
      make("td", { role: "cell", colspan: "5", class: "dim folder-count" }, files === undefined ? "folder"
        : files >= 1000 ? `${number(1000)} files or more` : count(files, "file")),
    ]);
  }

  // MARK: Searching

  async #showFound(prefix, signal) {
    const page = await get("/v1/files", { prefix, limit: foundMax }, signal);
    const rows = page.files.map((file) => fileRow({ file }, "", 0));
    replace(this.#list, rows.length ? rows : emptyRow("No name begins so."));
    replace(this.#more, page.hasMore
      ? make("p", { class: "dim" }, `The first ${foundMax} names that begin so; go on typing for fewer.`)
      : undefined);
  }

  async #showDeleted(prefix, signal, after) {
    const page = await get("/v1/files", { prefix, deleted: true, limit: pageSize, after }, signal);
    const rows = page.files.map((file) => this.#deletedRow(file));
    if (after === undefined) {
      replace(this.#list, rows.length || page.hasMore ? rows : emptyRow("Nothing is deleted here of which a version is kept."));
    } else append(this.#list, rows);
    replace(this.#more, page.hasMore ? button("Show more", { "data-key": "more" }, () =>
      this.#showDeleted(prefix, signal, page.next ?? page.files.at(-1)?.name)) : undefined);
  }

  #deletedRow(file) {
    const row = make("tr", { role: "row" },
      make("th", { role: "rowheader", scope: "row" }, make("a", { href: fileLink(file.name) }, named(file.name))),
      cell("Size", make("span", { title: exactBytes(file.size) }, bytes(file.size))),
      cell("Copies", String(file.level)), cell("Health", badge("notice", "deleted")),
      cell("Versions", session.may("write") ? button("Undelete", { class: "quiet", "aria-label": `Undelete ${file.name}` },
        async () => {
          try {
            await undelete(file.name);
            await this.#load();
          } catch (error) { replace(this.#said, problem(error)); }
        }) : "–"),
      cell("Deposited", moment(file.time)));
    return row;
  }
}

function append(node, rows) { node.append(...rows); return node; }

function indent(depth) { return `indent indent-${Math.min(depth, 8)}`; }

function folderPage(prefix, after, signal) {
  return get("/v1/folders", { prefix, after, limit: pageSize, health: true }, signal);
}

function cell(label, content) { return make("td", { role: "cell", "data-label": label }, content); }

function emptyRow(text) {
  return make("tr", { role: "row", class: "empty" }, make("td", { role: "cell", colspan: "6" }, text));
}

function fileRow(entry, prefix, depth) {
  const { file, health, versions } = entry;
  const kind = kindOf(file);
  return make("tr", { role: "row" },
    make("th", { role: "rowheader", scope: "row", class: indent(depth) }, make("div", { class: "entry" }, make("span", { class: "no-toggle" }),
      make("a", { href: fileLink(file.name) }, named(shown(file.name, prefix))),
      file.lock ? badge("notice", "locked") : undefined,
      kind === "file" ? undefined : badge("notice", kind))),
    cell("Size", make("span", { title: exactBytes(file.size) }, bytes(file.size))),
    cell("Copies", String(file.level)),
    cell("Health", healthBadge(health, file.level)),
    cell("Versions", versions === undefined ? "–" : versions >= 100 ? "100 or more" : String(versions)),
    cell("Deposited", moment(file.time)));
}
