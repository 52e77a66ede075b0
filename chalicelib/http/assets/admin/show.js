// Elements and figures. Text from the API is only ever inserted as text, never as HTML.

export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") element.addEventListener("click", value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

// Replaces everything in a section except its heading.
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
export const counted = (value, noun, plural = `${noun}s`) => `${number(value)} ${value === 1 ? noun : plural}`;
export const minutes = (seconds) => `${whole.format(seconds / 60)} min`;
export const moment = (text) => (text ? text.replace("T", " ").replace("Z", " UTC") : "—");

// `columns`: [heading, row → text or element, whether it is a number]
export function table(caption, columns, rows, emptyText) {
  if (rows.length === 0) return el("div", {}, el("p", { class: "caption" }, caption), el("p", { class: "empty" }, emptyText));
  const head = el("tr", {}, columns.map(([title, , isNumber]) => el("th", { scope: "col", class: isNumber && "number" }, title)));
  const body = rows.map((row) =>
    el("tr", {}, columns.map(([, text, isNumber]) => el("td", { class: isNumber && "number" }, text(row)))));
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el("table", {}, el("caption", {}, caption), el("thead", {}, head), el("tbody", {}, body)));
}

// A user by id, as a link to the page of that user.
export const userLink = (userId, text) => el("a", { href: `#/users/${encodeURIComponent(userId)}` }, text ?? el("code", {}, userId));

const valuesText = (values) => Object.entries(values).map(([name, value]) => `${name.replaceAll("_", " ")}: ${value}`).join(", ");

export function actionTable(caption, actions, emptyText, columns = []) {
  return table(caption, [
    ["When", (row) => moment(row.at)],
    ["Administrator", (row) => row.admin],
    ["Action", (row) => row.action.replaceAll("_", " ")],
    ...columns,
    ["Reason", (row) => el("span", { class: "wide" }, row.reason)],
    ["Before", (row) => valuesText(row.before)],
    ["After", (row) => valuesText(row.after)],
  ], actions, emptyText);
}
