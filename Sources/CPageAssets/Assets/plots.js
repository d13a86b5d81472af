// Plots of the last hour, as SVG. What each shows is also told in words.

import { draw, make } from "./dom.js";

const width = 600;
const height = 120;
const margin = { left: 4, right: 4, top: 6, bottom: 16 };

/// A round number that is not below.
function ceiling(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((limit) => limit >= value);
}

/// Bytes are rounded to powers of two.
function binaryCeiling(value) { return value <= 1024 ? 1024 : 2 ** Math.ceil(Math.log2(value)); }

/// - Parameters:
///   - series: `{name, kind, values, isArea}`; a value may be `null`.
///   - format: of a value, with its unit.
///   - minutes: the span of the values.
export function plot(title, series, { format, minutes, isBinary }) {
  const most = Math.max(0, ...series.flatMap((one) => one.values.map((value) => value ?? 0)));
  const top = isBinary ? binaryCeiling(most) : ceiling(most);
  const count = series[0].values.length;
  const x = (index) => margin.left + (index / (count - 1)) * (width - margin.left - margin.right);
  const y = (value) => margin.top + (1 - value / top) * (height - margin.top - margin.bottom);
  const base = y(0);
  const svg = draw("svg", {
    viewBox: `0 0 ${width} ${height}`, class: "plot", preserveAspectRatio: "none", "aria-hidden": "true",
  });
  for (const share of [0, 0.5, 1]) {
    svg.append(draw("line", {
      class: "grid", x1: margin.left, x2: width - margin.right, y1: y(top * share), y2: y(top * share),
    }));
  }
  for (const one of series) svg.append(...lines(one, x, y, base));
  const summary = series.map((one) => {
    const values = one.values.filter((value) => value !== null);
    const last = [...one.values].reverse().find((value) => value !== null);
    return `${one.name}: at most ${format(values.length ? Math.max(...values) : 0)}, `
      + `last ${last === undefined ? "nothing" : format(last)}`;
  }).join("; ");
  return make("figure", { class: "plot-box", role: "img", "aria-label": `${title}, the last ${minutes} minutes. ${summary}.` },
    make("figcaption", { "aria-hidden": "true" }, make("strong", {}, title),
      series.map((one) => make("span", { class: `key ${one.kind}` }, one.name, " ",
        make("b", {}, format([...one.values].reverse().find((value) => value !== null) ?? 0))))),
    make("div", { class: "plot-area", "aria-hidden": "true" },
      make("span", { class: "axis top" }, format(top)), svg,
      make("span", { class: "axis left" }, `${minutes} min ago`), make("span", { class: "axis right" }, "now")));
}

/// A line for each run of values without a gap; a dot where a run is but one value.
function lines(one, x, y, base) {
  const found = [];
  let run = [];
  const end = () => {
    if (run.length > 0) {
      const points = run.map(([index, value]) => `${x(index).toFixed(1)},${y(value).toFixed(1)}`);
      if (run.length === 1) points.push(`${(x(run[0][0]) + 1.5).toFixed(1)},${y(run[0][1]).toFixed(1)}`);
      if (one.isArea) {
        found.push(draw("polygon", {
          class: `area ${one.kind}`,
          points: `${x(run[0][0]).toFixed(1)},${base} ${points.join(" ")} ${x(run.at(-1)[0]).toFixed(1)},${base}`,
        }));
      }
      found.push(draw("polyline", { class: `line ${one.kind}`, points: points.join(" ") }));
    }
    run = [];
  };
  one.values.forEach((value, index) => { if (value === null) end(); else run.push([index, value]); });
  end();
  return found;
}

/// So much of a whole, with the figure beside it.
export function bar(share, kind, label) {
  const part = Math.max(0, Math.min(1, share || 0));
  return make("span", { class: "bar-box", role: "img", "aria-label": label },
    draw("svg", { class: "meter", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" },
      draw("rect", { class: "meter-all", x: 0, y: 0, width: 100, height: 8 }),
      draw("rect", { class: `meter-part ${kind}`, x: 0, y: 0, width: part > 0 ? Math.max(1, part * 100) : 0, height: 8 })));
}
