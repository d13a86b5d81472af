// Deposits what was chosen or dropped, a few files at a time, and tells how far each is.

import { put } from "./api.js";
import { announce, button, make, named, replace } from "./dom.js";
import { bytes, count, number } from "./format.js";
import { bar } from "./plots.js";

/// Browsers have six connections to a server, and one is for events.
const parallelMax = 4;
const filesMax = 100_000;
const shownMax = 100;
const readMax = 1000;

export function hasFiles(transfer) { return [...transfer.types].includes("Files"); }

/// - Returns: files with the path that they have in what was chosen.
export function pickFiles(isFolder) {
  return new Promise((resolve) => {
    const input = make("input", { type: "file", class: "unseen", multiple: true, "aria-hidden": "true", tabindex: "-1" });
    if (isFolder) input.webkitdirectory = true;
    input.addEventListener("change", () => {
      resolve([...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
      input.remove();
    });
    input.addEventListener("cancel", () => { resolve([]); input.remove(); });
    document.body.append(input);
    input.click();
  });
}

/// A folder is read a hundred entries at a time.
async function readAll(reader) {
  const found = [];
  for (let turn = 0; turn < readMax; turn += 1) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    found.push(...some);
  }
  return found;
}

async function walk(entry, into) {
  if (into.length >= filesMax) return;
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    into.push({ file, path: entry.fullPath.replace(/^\//, "") });
  } else if (entry.isDirectory) {
    for (const one of await readAll(entry.createReader())) await walk(one, into);
  }
}

let only;

/// Nobody deposits on behalf of somebody who has signed out.
export function endDeposits() {
  only?.stop();
  only = undefined;
}

export class Deposits {
  /// One for all views: it goes on while somebody looks elsewhere.
  static shared(depot) { return (only ??= new Deposits(depot)); }

  node = make("section", { class: "card deposits", "aria-label": "Deposits", hidden: true });
  onDone;
  #depot;
  #waiting = [];
  #active = new Set();
  #failed = [];
  #done = { files: 0, bytes: 0 };
  #total = { files: 0, bytes: 0 };
  #level;
  #isDrawing = false;

  constructor(depot) { this.#depot = depot; }

  /// As many copies as there are replicas, and three at the most, unless somebody says otherwise.
  levelChoice() {
    const replicas = this.#depot.overview?.status.replicas.length ?? 3;
    const select = make("select", { id: "level" }, Array.from({ length: Math.max(3, Math.min(replicas, 10)) }, (_, index) =>
      make("option", { value: String(index + 1) }, String(index + 1))));
    select.value = String(this.#level ?? Math.max(1, Math.min(3, replicas)));
    select.addEventListener("change", () => { this.#level = Number(select.value); });
    return make("label", { class: "check", for: "level" }, "Copies ", select);
  }

  async dropped(transfer) {
    // What is dropped is gone after the first wait.
    const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const plain = [...transfer.files];
    if (entries.length === 0) return plain.map((file) => ({ file, path: file.name }));
    const found = [];
    for (const entry of entries) {
      try { await walk(entry, found); } catch (error) {
        this.#failed.push({ name: entry.fullPath, error });
      }
    }
    return found;
  }

  add(files, prefix) {
    if (files.length === 0) { this.#draw(); return; }
    if (this.#active.size === 0 && this.#waiting.length === 0) this.#begin();
    for (const { file, path } of files.slice(0, filesMax)) {
      this.#waiting.push({ file, name: prefix + path, sent: 0 });
      this.#total.files += 1;
      this.#total.bytes += file.size;
    }
    this.node.hidden = false;
    announce(`Depositing ${count(files.length, "file")}.`);
    for (let lane = this.#active.size; lane < parallelMax; lane += 1) this.#next();
    this.#draw();
  }

  #begin() {
    this.#failed = [];
    this.#done = { files: 0, bytes: 0 };
    this.#total = { files: 0, bytes: 0 };
  }

  get level() { return this.#level ?? Math.max(1, Math.min(3, this.#depot.overview?.status.replicas.length ?? 3)); }

  async #next() {
    const job = this.#waiting.shift();
    if (!job) return;
    const stop = new AbortController();
    job.stop = () => stop.abort();
    this.#active.add(job);
    try {
      await put(job.name, job.file, {
        level: this.level, signal: stop.signal,
        onProgress: (sent) => { job.sent = sent; this.#draw(); },
      });
      this.#done.files += 1;
      this.#done.bytes += job.file.size;
    } catch (error) {
      this.#failed.push({ ...job, error: error.name === "AbortError" ? new Error("stopped") : error });
    }
    this.#active.delete(job);
    if (this.#active.size === 0 && this.#waiting.length === 0) this.#end(); else this.#next();
    this.#draw();
  }

  #end() {
    const failed = this.#failed.length;
    announce(`${count(this.#done.files, "file")} deposited${failed ? `, ${number(failed)} not` : ""}.`);
    this.onDone?.();
  }

  stop() {
    for (const job of this.#waiting.splice(0)) this.#failed.push({ ...job, error: new Error("stopped") });
    for (const job of this.#active) job.stop();
    this.#draw();
  }

  #retry() {
    const again = this.#failed.filter((job) => job.file);
    this.#begin();
    for (const job of again) {
      this.#waiting.push({ file: job.file, name: job.name, sent: 0 });
      this.#total.files += 1;
      this.#total.bytes += job.file.size;
    }
    for (let lane = 0; lane < parallelMax; lane += 1) this.#next();
    this.#draw();
  }

  /// Not more often than frames are shown.
  #draw() {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    requestAnimationFrame(() => {
      this.#isDrawing = false;
      this.#show();
    });
  }

  #show() {
    const active = [...this.#active];
    const isOver = active.length === 0 && this.#waiting.length === 0;
    const sent = this.#done.bytes + active.reduce((sum, job) => sum + job.sent, 0);
    const share = this.#total.bytes > 0 ? sent / this.#total.bytes : isOver ? 1 : 0;
    const failed = this.#failed.length;
    replace(this.node,
      make("h2", {}, isOver ? (failed ? "Deposited, but not all" : "Deposited") : "Depositing"),
      bar(share, failed ? "warning" : "good", `${Math.round(share * 100)} % sent`),
      make("p", { class: "dim" }, `${number(this.#done.files)} of ${count(this.#total.files, "file")}, `
        + `${bytes(sent)} of ${bytes(this.#total.bytes)}${failed ? `; ${number(failed)} not deposited` : ""}`),
      active.length ? make("ul", { class: "bars" }, active.map((job) => make("li", {}, named(job.name),
        bar(job.file.size ? job.sent / job.file.size : 0, "good", "sent"),
        make("span", { class: "dim" }, job.sent >= job.file.size ? "being made durable" : `${bytes(job.sent)} of ${bytes(job.file.size)}`)))) : undefined,
      failed ? make("ul", { class: "failures" }, this.#failed.slice(0, shownMax).map((job) => make("li", {},
        named(job.name), ": ", make("bdi", {}, job.error.message ?? String(job.error))))) : undefined,
      failed > shownMax ? make("p", { class: "dim" }, `and ${number(failed - shownMax)} others`) : undefined,
      make("div", { class: "actions" },
        isOver ? button("Close", { "data-key": "close" }, () => { this.node.hidden = true; })
          : button("Stop", { "data-key": "stop" }, () => this.stop()),
        isOver && failed ? button("Try the others again", { "data-key": "again" }, () => this.#retry()) : undefined));
  }
}
