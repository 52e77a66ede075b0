/** All transcripts, newest first, a page at a time. */
import { locale, text } from "../../common/i18n.js";
import { button, fill, h, icon, newId } from "../elements.js";
import { clockTime, dateTime, duration, isolate } from "../format.js";
import { credits, emptyState, errorBox, loadInto } from "../notices.js";
import { placeOf } from "../routes.js";

const PAGE = 20;

export function historyView(app, { words = "" }) {
  const place = h("div", {});
  const upload = h("a", { class: "button", href: "#/upload" }, icon("upload"), h("span", {}, text("history_upload")));
  const element = h("div", {}, h("div", { class: "actions end" }, upload), searchForm(app, words), place);
  const { history } = app.client;
  if (words) showPages(app, place, (options) => history.search(words, { limit: PAGE }, options), (item) => foundItem(item, words), () => nothingFound(words));
  else showPages(app, place, (options) => history.list({ limit: PAGE }, options), itemOf, noTranscripts);
  return { title: text("history_title"), element };
}

/** The words stand in the address, so that going back from a transcript shows what was found. */
function searchForm(app, words) {
  const id = newId("words");
  const label = h("label", { for: id }, text("search_label"));
  const input = h("input", { id, type: "search", value: words, maxlength: "200", dir: "auto" });
  const form = h("form", { class: "search", role: "search" }, label, input, h("button", { type: "submit" }, icon("search"), h("span", {}, text("search_go"))));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    app.go(placeOf("/history", { words: input.value.trim() || undefined }));
  });
  return form;
}

const noTranscripts = () => emptyState("history", text("history_empty_title"), text("history_empty"));
const nothingFound = (words) => emptyState("search", text("search_empty_title"), text("search_empty", isolate(words)));

/** The items of an iterator, a page at a time. After an error it has ended, so that a new try opens another one. */
function showPages(app, place, open, itemElement, empty) {
  const list = h("ul", { class: "history" });
  const foot = h("div", { class: "history-foot" });

  let items;
  const load = (signal) => take((items = open({ signal })), PAGE);

  void loadInto(app, place, load, (first) => {
    if (first.found.length === 0) return empty();
    show(first);
    return [list, foot];
  });

  function show({ found, isLast }) {
    list.append(...found.map(itemElement));
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

/** A transcript that was found, with the words around the first match; it opens at that moment. */
function foundItem({ transcript_id: id, started_at, title, snippet, seq, start_ms: startMs }, words) {
  const isOfWords = startMs !== undefined;
  return h(
    "li",
    {},
    h(
      "a",
      { href: `#${placeOf(`/history/${id}`, { seq, words })}`, class: "row-link" },
      icon("search"),
      h(
        "span",
        { class: "row-text" },
        h("span", { class: "row-title", dir: "auto" }, title || text("history_live")),
        isOfWords && h("span", { class: "snippet", dir: "auto" }, snippet.before, h("mark", {}, snippet.match), snippet.after),
        h("span", { class: "row-facts" }, h("time", { datetime: started_at }, dateTime(started_at, locale())), isOfWords && h("span", {}, clockTime(startMs))),
      ),
      icon("forward"),
    ),
  );
}

/** A transcript without a title is named by what it is. */
export function titleOf({ title, kind }) {
  return title || text(kind === "live" ? "history_live" : "history_recording");
}
