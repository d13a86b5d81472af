// The depot as a whole: what needs attention, what is stored, where, and what went on.

import { change, get } from "./api.js";
import { actionButton, showNotices } from "./attention.js";
import { ask } from "./dialogs.js";
import { badge, button, make, named, problem, replace, section } from "./dom.js";
import { bytes, count, exactBytes, milliseconds, moment, number, percent, rate, span } from "./format.js";
import { bar, plot } from "./plots.js";
import { session } from "./session.js";

const states = {
  up: ["good", "up"], slow: ["warning", "slow"], draining: ["notice", "draining"], down: ["urgent", "down"],
  maintenance: ["notice", "maintenance"], lost: ["urgent", "lost"], readOnly: ["warning", "read-only"],
  refused: ["urgent", "refused"],
};

export function replicaBadge(state) {
  const [kind, text] = states[state] ?? ["notice", state];
  return badge(kind, text);
}

function figure(title, value, note, exact) {
  return make("div", { class: "figure" }, make("dt", {}, title),
    make("dd", {}, make("span", { class: "value", title: exact }, value), note ? make("span", { class: "dim" }, note) : undefined));
}

function showTotals(status) {
  const ratio = status.uniqueBytes > 0 ? status.logicalBytes / status.uniqueBytes : 1;
  const copies = status.uniqueBytes > 0 ? status.storedBytes / status.uniqueBytes : 0;
  const left = status.versionSecondsLeft;
  return make("dl", { class: "figures" },
    figure("Logical", bytes(status.logicalBytes), `in ${count(status.files, "name")}`, exactBytes(status.logicalBytes)),
    figure("Unique", bytes(status.uniqueBytes), `deduplicated ${ratio.toFixed(2)} to 1`, exactBytes(status.uniqueBytes)),
    figure("Stored", bytes(status.storedBytes), `${copies.toFixed(1)} copies of each byte`, exactBytes(status.storedBytes)),
    figure("Held by versions only", bytes(status.versionBytes ?? 0),
      (status.versions ? `${count(status.versions, "version")}` : "no versions")
        + (left === undefined ? "" : `; the next go ${left < 3600 ? "within the hour" : `in ${span(left)}`}`),
      exactBytes(status.versionBytes ?? 0)));
}

function cell(label, properties, ...content) {
  return make("td", { role: "cell", "data-label": label, ...properties }, content);
}

function showReplicas(replicas) {
  const heads = ["Replica", "State", "Capacity", "Holds", "Last answer"];
  const mayAsk = session.may("admin");
  if (mayAsk) heads.push("If it were lost");
  return make("table", { role: "table", class: `grid replicas${mayAsk ? " asked" : ""}` },
    make("thead", { role: "rowgroup" }, make("tr", { role: "row" },
      heads.map((text) => make("th", { role: "columnheader", scope: "col" }, text)))),
    make("tbody", { role: "rowgroup" }, replicas.map((replica) => replicaRow(replica, mayAsk))));
}

function replicaRow(replica, mayAsk) {
  const total = replica.usedBytes + replica.freeBytes;
  const share = total > 0 ? replica.usedBytes / total : 0;
  const days = replica.certificateDaysLeft;
  return make("tr", { role: "row" },
    make("th", { role: "rowheader", scope: "row" }, named(replica.name, { title: `${replica.url}\n${replica.id ?? "not met yet"}` }),
      make("span", { class: "dim" }, "zone ", make("bdi", {}, replica.zone),
        days === undefined ? "" : `, certificate ${count(days, "day")} left`)),
    cell("State", {}, replicaBadge(replica.state), replica.problem ? make("span", { class: "dim problem-text" }, make("bdi", {}, replica.problem)) : undefined),
    cell("Capacity", {}, bar(share, share > 0.97 ? "urgent" : share > 0.9 ? "warning" : "good", `${percent(share)} used`),
      make("span", { class: "dim" }, `${bytes(replica.usedBytes)} of ${bytes(total)}, ${percent(share)}`)),
    cell("Holds", {}, count(replica.chunks, "chunk")),
    cell("Last answer", {}, lastAnswer(replica)),
    mayAsk ? cell("If it were lost", {}, button("What if?", {
      class: "quiet", "data-key": `lose-${replica.name}`, "aria-label": `What if ${replica.name} were lost?`,
    }, () => showLoss(replica.name))) : undefined);
}

function lastAnswer(replica) {
  if (replica.lastAnswer !== undefined) return moment(replica.lastAnswer);
  return ["down", "lost", "maintenance"].includes(replica.state) ? "not since the start" : "now";
}

async function showLoss(name) {
  const body = make("div", { "aria-live": "polite" }, make("p", {}, "Counting…"));
  const done = ask(`If ${name} were lost`, body);
  try {
    const found = await change("POST", "/v1/replicas/simulation", { lose: [name] });
    const totals = found.totals;
    const lost = found.files.filter((file) => file.lostChunks > 0);
    replace(body,
      make("p", {}, totals.lostChunks === 0 ? "Nothing would be lost." : `${count(totals.lostChunks, "chunk")} would be lost.`),
      make("p", {}, `${count(totals.copies, "copy", "copies")}, ${bytes(totals.bytes)}, would have to be made `
        + `on the ${count(totals.remaining, "replica")} that remain. They have ${bytes(totals.freeBytes)} left: `
        + `${totals.fits ? "that fits." : "that does not fit."}`),
      lost.length ? make("div", {}, make("p", {}, "Files that could not be read:"),
        make("ul", { class: "names" }, lost.slice(0, 20).map((file) => make("li", {}, named(file.name)))),
        lost.length > 20 || found.hasMore ? make("p", { class: "dim" }, `and others; see depot simulate --lose ${name}`) : undefined)
        : undefined);
  } catch (error) { replace(body, problem(error)); }
  await done;
}

function showCoverage(coverage) {
  if (!coverage) return make("p", { class: "dim" }, "Replicas are being asked.");
  const all = coverage.replicas.reduce((sum, one) => sum + one.bytes, 0);
  const checked = coverage.replicas.reduce((sum, one) => sum + one.checkedBytes, 0);
  const share = all > 0 ? checked / all : 0;
  return [
    make("p", {}, all === 0 ? "Nothing is stored yet."
      : `${percent(share)} of what is stored, ${bytes(checked)} of ${bytes(all)}, was read back and hashed within ${coverage.days} days.`,
    " ", all > 0 ? actionButton("verify", {}, { class: "quiet" }) : undefined),
    make("ul", { class: "bars" }, coverage.replicas.map((one) => {
      const part = one.bytes > 0 ? one.checkedBytes / one.bytes : 0;
      const age = one.copies === 0 ? "holds nothing" : one.oldestDays === undefined || one.oldestDays === null
        ? "some never" : `the oldest part ${inDays(one.oldestDays)} ago`;
      return make("li", {}, named(one.name), bar(part, "good", `${percent(part)} read back`),
        make("span", { class: "dim" }, `${percent(part)}; ${age}`));
    })),
  ];
}

function inDays(days) { return days < 1 ? "less than a day" : count(Math.floor(days), "day"); }

function showRepair(repair) {
  if (repair.waiting === 0) return make("p", {}, "Every chunk has as many good copies as its files ask for.");
  const worst = Math.min(512, repair.waiting);
  return [
    make("p", {}, `${count(repair.waiting, "chunk")} ${repair.waiting === 1 ? "waits" : "wait"} for copies.`),
    make("p", { class: "dim" }, `Of the ${number(worst)} with the fewest: ${number(repair.unreadable)} without a good copy, `
      + `${number(repair.lastCopies)} with one. The worst are repaired first.`),
    repair.files.length ? make("p", {}, "Not readable now: ", repair.files.map((name, index) =>
      [index ? ", " : "", make("a", { href: `#/file/${encodeURIComponent(name)}` }, named(name))])) : undefined,
  ];
}

function showTraffic(traffic) {
  const minutes = Math.round(traffic.slotSeconds * traffic.requests.length / 60);
  const each = (values) => values.map((value) => value / traffic.slotSeconds);
  const known = (values) => values.map((value) => value ?? null);
  const total = traffic.requests.reduce((sum, one) => sum + one, 0);
  const failed = traffic.failures.reduce((sum, one) => sum + one, 0);
  return [
    make("div", { class: "plots" },
      plot("Throughput", [
        { name: "in", kind: "first", values: each(traffic.received), isArea: true },
        { name: "out", kind: "second", values: each(traffic.sent), isArea: true },
      ], { format: rate, minutes, isBinary: true }),
      plot("Latency", [
        { name: "half within", kind: "first", values: known(traffic.medians) },
        { name: "99 in 100 within", kind: "second", values: known(traffic.slowest) },
      ], { format: milliseconds, minutes }),
      plot("Requests", [
        { name: "all", kind: "first", values: each(traffic.requests), isArea: true },
        { name: "failed", kind: "failed", values: each(traffic.failures) },
      ], { format: (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)}/s`, minutes })),
    make("p", { class: "dim" }, `${count(total, "request")}, ${number(failed)} of them failed or cut off. `
      + "Bytes count when their request has ended."),
  ];
}

export class Overview {
  #sections = {
    attention: section("attention", "What needs attention", showNotices),
    totals: section("totals", "What is stored", showTotals),
    replicas: section("replicas-all", "Replicas", showReplicas),
    coverage: section("coverage", "Read back", showCoverage),
    repair: section("repair", "Repair queue", showRepair),
    traffic: section("traffic", "The last hour", showTraffic),
  };
  #timer;

  constructor(main) {
    replace(main, make("h1", { class: "unseen" }, "Overview"),
      ...["attention", "totals", "replicas"].map((name) => this.#sections[name].node),
      make("div", { class: "halves" }, this.#sections.coverage.node, this.#sections.repair.node),
      this.#sections.traffic.node);
    for (const one of Object.values(this.#sections)) one.node.classList.add("card");
    this.#traffic();
    this.#timer = setInterval(() => { if (!document.hidden) this.#traffic(); }, 10_000);
  }

  update(body) {
    this.#sections.attention.update(body.notices);
    this.#sections.totals.update(body.status);
    this.#sections.replicas.update(body.status.replicas);
    this.#sections.coverage.update(body.coverage ?? null);
    this.#sections.repair.update(body.repair);
  }

  async #traffic() {
    try { this.#sections.traffic.update(await get("/v1/traffic")); } catch { /* The next time. */ }
  }

  close() { clearInterval(this.#timer); }
}
