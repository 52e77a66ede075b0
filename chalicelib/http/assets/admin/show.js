// Elements and figures. Text from outside only ever becomes text.

export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") made.addEventListener("click", value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

// Everything in a section after its heading is made anew.
export function fill(section, ...children) {
  while (section.lastElementChild && section.lastElementChild.tagName !== "H2") section.lastElementChild.remove();
  section.append(...children.flat());
}

const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const cents = new Intl.NumberFormat("en-US", {
  style: "currency", currency: "USD", minimumFractionDigits: 2, maximumFractionDigits: 4,
});
const wholeDollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", maximumFractionDigits: 0 });
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export const usd = (micro) => (Math.abs(micro) >= 1e5 || micro === 0 ? dollars : cents).format(micro / 1e6);
export const axisUsd = (micro) => (micro % 1e6 === 0 ? wholeDollars : dollars).format(micro / 1e6);
export const number = (value) => whole.format(value);
export const counted = (value, one) => `${number(value)} ${one}${value === 1 ? "" : "s"}`;
export const minutes = (seconds) => `${whole.format(seconds / 60)} min`;
export const moment = (text) => (text ? text.replace("T", " ").replace("Z", " UTC") : "—");

// `columns`: [heading, row → text or element, is it a number]
export function table(caption, columns, rows, empty) {
  if (rows.length === 0) return el("div", {}, el("p", { class: "caption" }, caption), el("p", { class: "empty" }, empty));
  const head = el("tr", {}, columns.map(([title, , isNumber]) => el("th", { scope: "col", class: isNumber && "number" }, title)));
  const body = rows.map((row) =>
    el("tr", {}, columns.map(([, text, isNumber]) => el("td", { class: isNumber && "number" }, text(row)))));
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el("table", {}, el("caption", {}, caption), el("thead", {}, head), el("tbody", {}, body)));
}
