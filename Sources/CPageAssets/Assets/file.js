// One file: what it is, what it was, where it lies, and what can be done with it.

import { change, filePath, get, request, uuid } from "./api.js";
import { chunksOf, chunksMax, healthOf, lossesOf, rowsOf } from "./chunks.js";
import { ask } from "./dialogs.js";
import { announce, badge, button, make, named, problem, replace, section } from "./dom.js";
import { crumbs, folderLink, healthBadge } from "./files.js";
import { bytes, count, exactBytes, exactTime, kindOf, moment, number, versionText } from "./format.js";
import { chunkPicture } from "./picture.js";
import { showPreview } from "./preview.js";
import { session } from "./session.js";
import { downloadLink, showVersions, undelete, versionPage } from "./versions.js";

function folderOf(name) { return name.slice(0, name.lastIndexOf("/") + 1); }

export class FileView {
  #main;
  #name;
  #depot;
  #found;
  #address;
  #chunks;
  #isClosed = false;

  constructor(main, name, depot) {
    this.#main = main;
    this.#name = name;
    this.#depot = depot;
    this.title = name;
    replace(main, make("p", { class: "dim" }, "Reading…"));
    this.#load();
  }

  close() {
    this.#isClosed = true;
    if (this.#address) URL.revokeObjectURL(this.#address);
  }

  /// Replicas may have come or gone; what the file's chunks are is not asked again.
  update() { this.#chunks?.update(this.#shownChunks()); }

  async #load() {
    try {
      const versions = await versionPage(this.#name);
      const current = versions.versions.find((word) => word.isCurrent);
      this.#found = current?.file ? await chunksOf(this.#name) : undefined;
      if (!this.#isClosed) this.#show(versions);
    } catch (error) {
      if (!this.#isClosed) replace(this.#main, crumbs(folderOf(this.#name)), make("h1", {}, named(this.#name)), problem(error));
    }
  }

  #show(versions) {
    const file = this.#found?.file;
    const parts = [make("section", { class: "card file", "aria-labelledby": "file-title" },
      crumbs(folderOf(this.#name)),
      make("h1", { id: "file-title" }, named(this.#name.slice(folderOf(this.#name).length) || this.#name)),
      file ? [this.#facts(file, versions), this.#actions(file, versions)] : this.#deleted(versions))];
    const preview = make("div", { class: "preview" });
    if (file && kindOf(file) === "file") {
      const box = section("preview-box", "Preview", () => preview);
      box.node.classList.add("card");
      box.update(true);
      parts.push(box.node);
      showPreview(preview, file).then((address) => {
        this.#address = address;
        if (this.#isClosed && address) URL.revokeObjectURL(address);
      });
    }
    const old = section("versions-all", "Versions", (page) => showVersions(this.#name, page, () => this.#load()));
    old.node.classList.add("card");
    old.update(versions);
    parts.push(old.node);
    this.#chunks = undefined;
    if (this.#found && this.#found.chunks.length > 0) {
      this.#chunks = section("chunks", "Where it lies", (value) => this.#showChunks(value));
      this.#chunks.node.classList.add("card");
      this.#chunks.update(this.#shownChunks());
      parts.push(this.#chunks.node);
    }
    replace(this.#main, parts);
  }

  // MARK: Facts

  #facts(file) {
    const fact = (title, ...content) => make("div", {}, make("dt", {}, title), make("dd", {}, content));
    const { metadata } = file;
    return make("dl", { class: "facts" },
      fact("Size", make("span", { title: exactBytes(file.size) }, bytes(file.size))),
      fact("Copies", `level ${file.level}`, " ", healthBadge(healthOf(this.#found), file.level)),
      fact("Deposited", moment(file.time)),
      metadata?.contentType ? fact("Type", make("bdi", {}, metadata.contentType)) : undefined,
      fact("Version", make("code", {}, versionText(file.sequence))),
      file.lock ? fact("Locked", lockText(file.lock)) : undefined);
  }

  #deleted(versions) {
    const last = versions.versions.find((word) => word.file);
    return [make("p", {}, badge("notice", "deleted"), last ? " A version of it is kept." : " Nothing is kept of it."),
      last && session.may("write") ? button("Undelete", { class: "primary" }, async (node) => {
        try {
          await undelete(this.#name);
          await this.#load();
        } catch (error) { node.after(problem(error)); }
      }) : undefined];
  }

  #actions(file) {
    const isPlain = kindOf(file) === "file";
    return make("div", { class: "actions" },
      isPlain ? downloadLink(this.#name, undefined, "Retrieve", { class: "button primary" }) : undefined,
      session.may("write") ? [
        button("Change copies…", {}, () => this.#changeLevel(file)),
        button("Lock…", {}, () => this.#lock(file)),
        button("Delete…", { class: "danger" }, () => this.#delete(file)),
      ] : undefined);
  }

  // MARK: Changes

  async #changeLevel(file) {
    const most = Math.max(file.level, Math.min(this.#depot.overview?.status.replicas.length ?? 7, 16));
    const input = make("input", {
      type: "number", id: "new-level", min: "1", max: String(most), value: String(file.level), autofocus: true,
    });
    const plan = make("div", { class: "plan", "aria-live": "polite" });
    let asked = 0;
    let go;
    const show = async () => {
      asked += 1;
      const own = asked;
      const level = Number(input.value);
      if (go) go.disabled = true;
      if (!Number.isInteger(level) || level < 1) return;
      if (level === file.level) {
        replace(plan, make("p", {}, `It has level ${level} now.`));
        return;
      }
      try {
        const found = await change("POST", filePath(this.#name, "level"), { level, planOnly: true });
        if (own !== asked) return;
        replace(plan, this.#plan(found));
        if (go) go.disabled = false;
      } catch (error) { if (own === asked) replace(plan, problem(error)); }
    };
    input.addEventListener("input", show);
    const done = await ask("Change copies", [
      make("label", { for: "new-level" }, "Copies of each chunk"), input, plan], {
      confirm: "Change",
      act: async () => {
        const found = await change("POST", filePath(this.#name, "level"), { level: Number(input.value), planOnly: false });
        announce(`It has ${found.to} copies now.`);
      },
      onOpen: (dialog) => { go = dialog.go; show(); },
    });
    if (done) this.#load();
  }

  #plan(plan) {
    const names = new Map((this.#depot.overview?.status.replicas ?? []).map((one) => [one.id, one.name]));
    return [
      make("p", {}, make("strong", {}, "The plan: "), plan.copied + plan.dropped === 0
        ? "no copy is made, and none goes." : `${[plan.copied ? `${count(plan.copied, "copy is", "copies are")} made, ${bytes(plan.bytesCopied)}` : "",
          plan.dropped ? count(plan.dropped, "copy goes", "copies go") : ""].filter(Boolean).join("; ")}.`,
      plan.pinned ? ` ${count(plan.pinned, "chunk")} stay above it, because other files use them.` : ""),
      plan.replicas.length ? make("ul", { class: "names" }, plan.replicas.map((share) => make("li", {},
        named(names.get(share.replica) ?? `replica ${share.replica.slice(0, 8)}`),
        `: ${[share.copied ? `${number(share.copied)} made, ${bytes(share.bytesCopied)}` : "", share.dropped ? `${number(share.dropped)} go` : ""]
          .filter(Boolean).join("; ")}`))) : undefined,
    ];
  }

  async #lock(file) {
    const days = make("input", { type: "number", id: "lock-days", min: "1", max: "36500", value: "30", autofocus: true });
    const until = () => Math.floor(Date.now() / 1000) + Number(days.value) * 86400;
    const told = make("p", { "aria-live": "polite" });
    const tell = () => {
      const time = until();
      told.textContent = Number.isFinite(time) && Number(days.value) > 0
        ? `Nothing takes its content before ${exactTime(Math.min(time, 253402300799))}. A lock cannot be made shorter.` : "";
    };
    days.addEventListener("input", tell);
    tell();
    const done = await ask("Lock", [make("label", { for: "lock-days" }, "For so many days"), days, told], {
      confirm: "Lock",
      act: async () => { await change("POST", filePath(this.#name, "lock"), { sequence: file.sequence, until: until() }); },
    });
    if (done) this.#load();
  }

  async #delete(file) {
    const content = make("div", {}, make("p", {}, "Looking what goes…"));
    const purge = make("input", { type: "checkbox", id: "purge" });
    const preview = this.#deletionPreview(file, purge).then((found) => replace(content, found))
      .catch((error) => replace(content, problem(error)));
    const done = await ask("Delete this file?", content, {
      confirm: "Delete", isDangerous: true,
      act: async () => {
        await preview;
        // Only what was looked at is deleted: not what somebody has deposited meanwhile.
        await request("DELETE", filePath(this.#name), {
          headers: { "if-match": `"${file.metadata?.entityTag ?? file.manifest.id}"`, "depot-request": uuid() },
        });
        if (purge.checked) await change("POST", filePath(this.#name, "purge"));
        announce(`${this.#name} is deleted.`);
      },
    });
    if (done) location.hash = folderLink(folderOf(this.#name));
  }

  async #deletionPreview(file, purge) {
    const [policies, plan] = await Promise.all([
      get("/v1/policies"), session.may("admin") ? get(filePath(this.#name, "purge")) : undefined,
    ]);
    const policy = policies.policies.filter(({ prefix }) => prefix === "" || this.#name === prefix || this.#name.startsWith(`${prefix}/`))
      .sort((one, other) => other.prefix.length - one.prefix.length)[0]?.policy ?? policies.usual;
    const kept = policy.keepDays > 0 ? `for ${count(policy.keepDays, "day")}` : "not at all";
    return [
      make("p", {}, named(this.#name), `, ${bytes(file.size)}, goes from all lists at once.`),
      make("p", {}, `What it was is kept as a version ${kept}`,
        policy.keepLast > 0 ? `, and the last ${count(policy.keepLast, "version")} for as long as there are no newer ones` : "",
        policy.keepDays > 0 || policy.keepLast > 0 ? ": so long it can be undeleted, and frees no space." : ": it cannot be brought back."),
      file.lock ? make("p", {}, badge("notice", "locked"), ` Its content is ${lockText(file.lock)}, and stays as long.`) : undefined,
      plan ? [
        make("p", {}, make("label", { class: "check", for: "purge" }, purge, " Purge its versions, too. That cannot be undone.")),
        make("p", { class: "dim" }, `A purge takes ${count(plan.versions + plan.names, "version")} and what nothing else uses: `
          + `${bytes(plan.uniqueBytes)}, ${bytes(plan.storedBytes)} with all copies`
          + `${plan.lockedNames ? "; what is locked stays" : ""}.`),
      ] : undefined,
    ];
  }

  // MARK: Chunks

  #shownChunks() {
    return rowsOf(this.#found.chunks, this.#depot.overview).map((row) => ({
      id: row.id, name: row.name, state: row.state, cells: [...row.cells],
    }));
  }

  #showChunks(value) {
    const rows = value.map((row) => ({ ...row, cells: new Map(row.cells) }));
    const { chunks, hasMore } = this.#found;
    return [
      hasMore ? make("p", { class: "dim" }, `Of its first ${number(chunksMax)} chunks; it has more.`) : undefined,
      chunkPicture(chunks, rows),
      make("h3", {}, "If a replica were lost"),
      make("ul", { class: "losses" }, lossesOf(chunks, rows).map((loss) => make("li", {},
        named(loss.row.name), " ", lossText(loss)))),
    ];
  }
}

function lossText(loss) {
  if (loss.held === 0) return [badge("good", "costs nothing"), " No good copy that counts is there."];
  const held = `${count(loss.held, "copy", "copies")}, ${bytes(loss.bytes)}, would be made again`;
  if (loss.lost > 0) {
    return [badge("urgent", "not readable"), ` ${count(loss.lost, "chunk")} ${loss.lost === 1 ? "is" : "are"} only there: the file could not be read.`];
  }
  if (loss.lastCopies > 0) {
    return [badge("warning", "last copies"), ` Nothing is lost; ${count(loss.lastCopies, "chunk")} would have one copy left. ${held}.`];
  }
  return [badge("good", "safe"), ` Nothing is lost, and each chunk has two copies left. ${held}.`];
}

function lockText(lock) {
  const until = lock.until === undefined || lock.until === null ? "" : `locked until ${exactTime(lock.until)}`;
  return [until, lock.isHeld ? "held until an administrator releases it" : ""].filter(Boolean).join(", and ");
}
