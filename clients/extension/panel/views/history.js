/** All transcripts, newest first, a page at a time. */
import { locale, text } from "../../common/i18n.js";
import { button, fill, h, icon } from "../elements.js";
import { dateTime, duration } from "../format.js";
import { credits, emptyState, errorBox, loadInto } from "../notices.js";

const PAGE = 20;

export function historyView(app) {
  const signal = app.signal();
  const list = h("ul", { class: "history" });
  const foot = h("div", { class: "history-foot" });
  const place = h("div", {});
  const upload = h("a", { class: "button", href: "#/upload" }, icon("upload"), h("span", {}, text("history_upload")));
  const element = h("div", {}, h("div", { class: "actions end" }, upload), place);
  const items = app.client.history.list({ limit: PAGE }, { signal });

  void loadInto(app, place, () => take(items, PAGE), (first) => {
    if (first.found.length === 0) return emptyState("history", text("history_empty_title"), text("history_empty"));
    show(first);
    return [list, foot];
  });
  return { title: text("history_title"), element };

  function show({ found, isLast }) {
    list.append(...found.map(itemOf));
    fill(foot, !isLast && button(text("action_more"), () => void more(), { kind: "wide" }));
  }

  async function more() {
    const first = list.children.length;
    fill(foot, h("p", { class: "small center", role: "status" }, text("loading")));
    try {
      show(await take(items, PAGE));
      list.children[first]?.querySelector("a").focus();
    } catch (error) {
      app.noticeError(error);
      fill(foot, errorBox(app, error, { retry: () => void app.show() }));
    }
  }
}

/** The next items of an iterator, and whether they are the last ones. */
async function take(items, count) {
  const found = [];
  while (found.length < count) {
    const { value, done } = await items.next();
    if (done) return { found, isLast: true };
    found.push(value);
  }
  return { found, isLast: false };
}

function itemOf(item) {
  const { id, kind, started_at, duration_ms, credits: used, state } = item;
  const isRunning = state === "active" || state === "opening";
  const facts = [
    h("time", { datetime: started_at }, dateTime(started_at, locale())),
    duration(duration_ms / 1000, locale()),
    used > 0 && credits(used),
  ].filter(Boolean);
  return h(
    "li",
    {},
    h(
      "a",
      { href: `#/history/${id}`, class: "row-link" },
      icon(kind === "live" ? "captions" : "upload"),
      h(
        "span",
        { class: "row-text" },
        h("span", { class: "row-title", dir: "auto" }, titleOf(item)),
        h("span", { class: "row-facts" }, facts.map((fact) => h("span", {}, fact)), isRunning && h("span", { class: "badge" }, text("history_running"))),
      ),
      icon("forward"),
    ),
  );
}

/** A transcript without a title is named by what it is. */
export function titleOf({ title, kind }) {
  return title || text(kind === "live" ? "history_live" : "history_recording");
}
