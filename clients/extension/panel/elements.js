/** Makes elements. Texts become text nodes and are never parsed as HTML. */
import { ICONS } from "./icons.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * `h("button", { class: "primary", onclick: start }, "Start")`. An attribute that is undefined, null or false is left
 * out, and true is an empty one; a function is a listener. Children that are undefined, null or false are left out.
 */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") element.addEventListener(attribute.slice(2), value);
    else if (attribute === "value" || attribute === "checked") element[attribute] = value;
    else element.setAttribute(attribute, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

/** Replaces the content of an element. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

/**
 * Replaces the content of an element that may have the focus. It stays at the control of the same `data-control`, or goes
 * to the title of the page: somebody at the keyboard would otherwise begin again at the top.
 */
export function refill(element, ...children) {
  const focused = element.contains(document.activeElement) ? document.activeElement : undefined;
  fill(element, ...children);
  if (!focused) return;
  const name = focused.closest("[data-control]")?.dataset.control;
  const control = name && element.querySelector(`[data-control="${name}"]`);
  (control || document.getElementById("title")).focus();
}

function append(element, children) {
  for (const child of children.flat(3)) {
    if (child !== undefined && child !== null && child !== false) element.append(child);
  }
}

/** A picture beside a text, which screen readers skip. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name].path);
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", ICONS[name].isDirected ? "icon directed" : "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(path);
  return svg;
}

let ids = 0;

/** An id that is used nowhere else in the document. */
export function newId(prefix = "e") {
  ids += 1;
  return `${prefix}-${ids}`;
}

/** A button with a text, and optionally an icon before it. */
export function button(label, onclick, { kind = "", icon: name, ...attributes } = {}) {
  return h("button", { type: "button", class: kind, onclick, ...attributes }, name && icon(name), h("span", {}, label));
}

/** A button that shows only its icon; `label` is its name and its tooltip. */
export function iconButton(name, label, onclick, attributes = {}) {
  return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...attributes }, icon(name));
}
