// Replicas × chunks, as a picture: a state has a pattern and a letter beside its colour. Many chunks
// share a column, which shows the worst of them.

import { draw, make, named } from "./dom.js";
import { count, number } from "./format.js";

const columnsMax = 64;
const size = 14;
const order = ["bad", "unproved", "released", "good"];
const letters = { good: "", unproved: "?", bad: "×", released: "–" };
const texts = { good: "good", unproved: "not proved", bad: "bad", released: "to be deleted" };

function worst(states) { return order.find((state) => states.includes(state)); }

function stateOf(row, from, to) {
  const states = [];
  for (let index = from; index < to; index += 1) {
    const state = row.cells.get(index);
    if (state) states.push(state);
  }
  return { state: worst(states), share: states.length / (to - from) };
}

export function summary(row, total) {
  const told = Object.keys(texts).map((state) => {
    const some = [...row.cells.values()].filter((one) => one === state).length;
    return some ? `${number(some)} ${texts[state]}` : undefined;
  }).filter(Boolean);
  return `${told.length ? told.join(", ") : "none"} of ${number(total)}`;
}

export function chunkPicture(chunks, rows) {
  const columns = Math.min(columnsMax, chunks.length);
  const edges = Array.from({ length: columns + 1 }, (_, index) => Math.round(index * chunks.length / columns));
  const legend = make("p", { class: "legend" }, Object.keys(texts).map((state) => make("span", {},
    draw("svg", { class: "cell-key", viewBox: `0 0 ${size} ${size}`, "aria-hidden": "true" }, cellOf(state, 0, 1)), texts[state])),
  make("span", {}, draw("svg", { class: "cell-key", viewBox: `0 0 ${size} ${size}`, "aria-hidden": "true" }, cellOf(undefined, 0, 1)), "no copy"));
  return make("div", { class: "chunk-picture" },
    make("p", { class: "dim" }, chunks.length > columns
      ? `${count(chunks.length, "distinct chunk")}; a column is ${number(Math.ceil(chunks.length / columns))} of them, and shows the worst.`
      : `${count(chunks.length, "distinct chunk")}, a column each.`),
    make("ul", { class: "chunk-rows" }, rows.map((row) => make("li", {},
      named(row.name),
      draw("svg", {
        viewBox: `0 0 ${columns * size} ${size}`, width: columns * Math.min(20, 900 / columns), class: "chunk-row", role: "img",
        "aria-label": `Copies on ${row.name}: ${summary(row, chunks.length)}`,
      }, edges.slice(0, -1).map((from, index) => {
        const { state, share } = stateOf(row, from, edges[index + 1]);
        return cellOf(state, index * size, share);
      })),
      make("span", { class: "dim" }, summary(row, chunks.length))))),
    legend);
}

function cellOf(state, x, share) {
  const inner = size - 2;
  const parts = [draw("rect", { class: "cell none", x: x + 1, y: 1, width: inner, height: inner, rx: 2 })];
  if (state) {
    const height = Math.max(3, inner * share);
    parts.push(draw("rect", { class: `cell ${state}`, x: x + 1, y: 1 + inner - height, width: inner, height, rx: 2 }));
    if (state === "unproved") {
      parts.push(draw("path", { class: "hatch", d: `M${x + 1} ${size - 1}L${x + size - 1} 1M${x + 1} ${size / 2}L${x + size / 2} 1M${x + size / 2} ${size - 1}L${x + size - 1} ${size / 2}` }));
    }
    if (letters[state]) {
      parts.push(draw("text", { class: "cell-letter", x: x + size / 2, y: size - 3.5, "text-anchor": "middle" }, letters[state]));
    }
  }
  return parts;
}
