// Lists of the API that come in pages.

import { call } from "./api.js";
import { el } from "./show.js";

// `page`: the first one of `path`, whose rows are under `name`. `draw`: rows → elements; a button shows more rows.
export function paged(path, page, name, draw) {
  const box = el("div");
  let rows = page[name];
  let cursor = page.next_cursor;
  const separator = path.includes("?") ? "&" : "?";
  const update = () => box.replaceChildren(...[draw(rows)].flat(), cursor ? el("button", { type: "button", onclick: more }, "Show more") : "");
  async function more(event) {
    event.currentTarget.disabled = true;
    try {
      const next = await call("GET", `${path}${separator}limit=50&cursor=${encodeURIComponent(cursor)}`);
      rows = [...rows, ...next[name]];
      cursor = next.next_cursor;
      update();
    } catch (error) {
      update();
      box.append(el("p", { role: "alert", class: "bad" }, error.message));
    }
  }
  update();
  return box;
}
