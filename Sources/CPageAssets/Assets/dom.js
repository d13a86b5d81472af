// Markup is made node by node: a text that somebody has deposited can never become markup.

const svgSpace = "http://www.w3.org/2000/svg";

function fill(node, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.setAttribute("class", value);
    else if (name === "value" || name === "checked" || name === "disabled") node[name] = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  append(node, children);
  return node;
}

export function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

/// An element. Properties that begin with `on` are listeners, all others attributes.
export function make(tag, properties, ...children) {
  return fill(document.createElement(tag), properties, children);
}

export function draw(tag, properties, ...children) {
  return fill(document.createElementNS(svgSpace, tag), properties, children);
}

/// Puts other content into a node. Where the focus was on a part with a `data-key`, it is on the part
/// with the same one after.
export function replace(node, ...children) {
  const focused = node.contains(document.activeElement)
    ? document.activeElement.closest("[data-key]")?.dataset.key : undefined;
  node.replaceChildren();
  append(node, children);
  if (focused !== undefined) {
    node.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }
  return node;
}

/// A part of a view that is made again only where what it shows is another.
export function section(name, title, show) {
  const id = `section-${name}`;
  const body = make("div", { class: "section-body" });
  const node = make("section", { class: `section ${name}`, "aria-labelledby": id },
    make("h2", { id }, title), body);
  let shown;
  return {
    node,
    update(value) {
      const text = JSON.stringify(value);
      if (text === shown) return;
      shown = text;
      replace(body, show(value));
    },
  };
}

/// A name that somebody chose, in its own direction of writing, so that it does not turn what is
/// beside it.
export function named(text, properties) {
  return make("bdi", { class: "name", ...properties }, visible(text));
}

/// With characters that nobody sees made seen.
export function visible(text) {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu,
    (found) => `\u2039U+${found.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}\u203a`);
}

/// Has a screen reader say it.
export function announce(text) {
  const node = document.getElementById("announcer");
  node.textContent = "";
  setTimeout(() => { node.textContent = text; }, 50);
}

/// A button of which a second press waits for the end of the first.
export function button(text, properties, act) {
  const node = make("button", { type: "button", ...properties }, text);
  node.addEventListener("click", async () => {
    if (node.getAttribute("aria-busy") === "true") return;
    node.setAttribute("aria-busy", "true");
    try { await act(node); } finally { node.removeAttribute("aria-busy"); }
  });
  return node;
}

export function badge(kind, text) {
  return make("span", { class: `badge ${kind}` }, text);
}

/// What went wrong, where it went wrong.
export function problem(error) {
  return make("p", { class: "problem", role: "alert" }, error.message ?? String(error));
}
