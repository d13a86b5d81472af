// Figures with their units. Times are told from now, with the exact one in the title.

import { make } from "./dom.js";

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

export function bytes(count) {
  let unit = 0;
  let value = Number(count);
  while (value >= 1023.95 && unit < units.length - 1) { value /= 1024; unit += 1; }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

export function exactBytes(count) { return `${number(count)} bytes`; }

/// With a narrow space between thousands.
export function number(count) {
  return String(count).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
}

/// A version as the command line has it, `1-45`.
export function versionText(sequence) {
  return String(sequence).replace(/(^|-)0+(?=\d)/g, "$1");
}

export function count(amount, noun, plural = `${noun}s`) {
  return `${number(amount)} ${amount === 1 ? noun : plural}`;
}

export function percent(share) {
  if (share > 0 && share < 0.01) return "< 1 %";
  if (share < 1 && share > 0.99) return "99 %";
  return `${Math.round(share * 100)} %`;
}

const steps = [
  [60, 1, "s"], [3600, 60, "min"], [86400, 3600, "h"], [86400 * 60, 86400, "d"],
  [Infinity, 86400 * 30.44, "months"],
];

export function span(seconds) {
  const [, size, name] = steps.find(([limit]) => seconds < limit);
  return `${Math.floor(seconds / size)} ${name}`;
}

export function milliseconds(value) {
  if (value === null || value === undefined) return "–";
  if (value >= 1000) return `${(value / 1000).toFixed(1)} s`;
  return value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;
}

export function exactTime(seconds) {
  const text = new Date(seconds * 1000).toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, 19)} UTC`;
}

function relative(seconds) {
  const passed = Math.floor(Date.now() / 1000) - seconds;
  if (passed < 0) return passed > -5 ? "now" : `in ${span(-passed)}`;
  return passed < 5 ? "now" : `${span(passed)} ago`;
}

/// A moment, seconds since 1970.
export function moment(seconds) {
  return make("time", {
    datetime: new Date(seconds * 1000).toISOString(), title: exactTime(seconds),
    "data-moment": seconds,
  }, relative(seconds));
}

/// Has moments that are shown go on.
export function keepMoments() {
  setInterval(() => {
    for (const node of document.querySelectorAll("time[data-moment]")) {
      const text = relative(Number(node.dataset.moment));
      if (node.textContent !== text) node.textContent = text;
    }
  }, 5000);
}

/// What a name is, for what is no plain file.
export function kindOf(file) {
  return ["folder", "link", "special"].find((kind) => file.metadata?.[kind] !== undefined) ?? "file";
}

/// The sum of bytes a second.
export function rate(perSecond) { return `${bytes(Math.round(perSecond))}/s`; }
