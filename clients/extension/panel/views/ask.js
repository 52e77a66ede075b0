/** Questions about a session or a transcript, with the quotes that each answer rests on. */
import { text } from "../../common/i18n.js";
import { fill, h, icon } from "../elements.js";
import { field } from "../forms.js";
import { clockTime, isoDuration } from "../format.js";
import { credits, emptyState, errorBox } from "../notices.js";
import { tabOf } from "../routes.js";

const SUGGESTIONS = ["ask_suggestion_decided", "ask_suggestion_tasks", "ask_suggestion_topic"];

export function askView(app, { session, transcript, back = "/live" }) {
  const title = text("ask_title");
  if (!session && !transcript) {
    const start = h("a", { class: "button primary", href: "#/history" }, text("action_to_history"));
    return { title, back, element: emptyState("question", text("ask_none_title"), text("ask_none"), start) };
  }
  const signal = app.signal();
  const source = transcript ? { transcript_id: transcript } : { session_id: session };
  const answers = h("div", { class: "answers", role: "log", "aria-label": text("ask_answers") });
  const control = h("textarea", { name: "question", rows: "2", maxlength: "1000", required: true, "data-focus": true, dir: "auto" });
  const question = field({ label: text("ask_question"), name: "question", control });
  const send = h("button", { type: "submit", class: "primary wide" }, text("action_ask"));
  const suggestions = h(
    "div",
    { class: "suggestions" },
    SUGGESTIONS.map((name) => h("button", { type: "button", class: "chip", onclick: () => void ask(text(name)) }, text(name))),
  );
  const form = h("form", { novalidate: true }, question.element, send);
  const element = h("div", { class: "ask" }, h("p", { class: "lead" }, text("ask_lead")), answers, form, suggestions);
  let isBusy = false;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const words = question.value().trim();
    if (words) void ask(words);
    else question.showError(text("field_missing"));
  });
  control.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  return { title, element, back, tab: tabOf(back) };

  async function ask(words) {
    if (isBusy) return;
    isBusy = true;
    control.value = "";
    send.setAttribute("aria-disabled", "true");
    suggestions.hidden = true;
    const place = h("div", { class: "answer", "aria-busy": "true" }, h("p", { class: "small thinking" }, text("ask_thinking")));
    const entry = h("article", { class: "exchange" }, h("h2", { dir: "auto" }, words), place);
    answers.append(entry);
    entry.scrollIntoView({ block: "nearest" });
    const key = crypto.randomUUID(); // the same over a retry: a question that was answered is not charged again
    await attempt();
    isBusy = false;
    send.removeAttribute("aria-disabled");

    async function attempt() {
      try {
        const answer = await app.client.ask({ question: words, ...source }, { signal, idempotencyKey: key });
        fill(place, answerOf(answer));
        void app.refreshBalance().catch(() => undefined);
      } catch (error) {
        if (signal.aborted) return;
        app.noticeError(error);
        fill(place, errorBox(app, error, { retry: attempt }));
      } finally {
        place.removeAttribute("aria-busy");
      }
    }
  }
}

function answerOf({ answer, answered, quotes, credits_used, is_whole = true }) {
  const items = quotes.map(({ start_ms, text: words, speaker }) =>
    h(
      "li",
      {},
      h("time", { datetime: isoDuration(start_ms) }, clockTime(start_ms)),
      h("blockquote", { dir: "auto" }, speaker && h("span", { class: "speaker" }, speaker), words),
    ),
  );
  return [
    h("p", { dir: "auto", class: answered ? "" : "quiet" }, !answered && icon("question"), answer),
    items.length > 0 && [h("h3", {}, text("ask_quotes")), h("ul", { class: "quotes" }, items)],
    !is_whole && h("p", { class: "small" }, text("ask_not_whole")),
    h("p", { class: "small" }, text("credits_used", credits(credits_used))),
  ];
}
