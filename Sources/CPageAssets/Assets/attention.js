// What needs attention, each with what cures it.

import { change, uuid } from "./api.js";
import { announce, button, make, problem } from "./dom.js";
import { bytes, count } from "./format.js";
import { session } from "./session.js";

const urgencies = { urgent: "Urgent", warning: "Warning", notice: "Note" };

const actions = {
  verify: {
    text: "Verify now",
    async act(notice) {
      await change("POST", "/v1/verifications", {
        verification: uuid(), replicas: notice.replica ? [notice.replica] : undefined,
        repairs: true, isUnpaced: false,
      });
      return "A verification has begun. It reads everything back, and may take hours.";
    },
  },
  collect: {
    text: "Collect now",
    async act() {
      const done = await change("POST", "/v1/collections", { planOnly: false });
      return `Collected: ${count(done.deletedCopies, "copy", "copies")} went, and disks have got `
        + `${bytes(done.freedBytes)} back.`;
    },
  },
};

export function actionButton(kind, notice, properties) {
  const action = actions[kind];
  if (!action || !session.may("admin")) return undefined;
  return button(action.text, { "data-key": `${kind}-${notice.replica ?? ""}`, ...properties }, async (node) => {
    try {
      const text = await action.act(notice);
      announce(text);
      node.replaceWith(make("span", { class: "done" }, text));
    } catch (error) {
      node.after(problem(error));
    }
  });
}

function copyButton(command) {
  if (!navigator.clipboard) return undefined;
  return button("Copy", { class: "quiet", "aria-label": `Copy ${command}`, "data-key": `copy-${command}` },
    async (node) => {
      await navigator.clipboard.writeText(command);
      node.textContent = "Copied";
      setTimeout(() => { node.textContent = "Copy"; }, 1500);
    });
}

export function showNotices(notices) {
  if (notices.length === 0) {
    return make("p", { class: "all-well" }, make("span", { class: "mark good", "aria-hidden": "true" }, "✓"),
      " Nothing needs attention.");
  }
  return make("ul", { class: "notices" }, notices.map((notice) => make("li", { class: "notice-row" },
    make("span", { class: `badge ${notice.urgency}` }, urgencies[notice.urgency] ?? notice.urgency),
    make("div", {},
      make("p", {}, make("bdi", {}, notice.text)),
      notice.cure || notice.command || notice.action ? make("p", { class: "cure" },
        notice.cure, " ",
        notice.command ? make("code", {}, notice.command) : undefined, " ",
        notice.command ? copyButton(notice.command) : undefined, " ",
        notice.action ? actionButton(notice.action, notice) : undefined) : undefined))));
}
