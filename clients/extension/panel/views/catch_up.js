/** "What did I miss?": a summary of the last minutes of a session, its price first. */
import { locale, text } from "../../common/i18n.js";
import { fill, h } from "../elements.js";
import { choice } from "../forms.js";
import { duration } from "../format.js";
import { emptyState, loadInto } from "../notices.js";
import { tabOf } from "../routes.js";
import { catchUpRunner } from "./catch_up_job.js";

const MINUTES = [5, 10, 15, 30];
const WHOLE = "whole";
const LONGEST_MS = 10 * 3_600_000; // what one catch-up covers; the API cuts a range at the last word

/** `session`: whose captions; `back`: where the person came from. */
export function catchUpView(app, { session, back = "/live" }) {
  const element = h("div", { class: "catch-up" });
  const view = { title: text("catch_up_title"), element, back, tab: tabOf(back) };
  if (!session) {
    const start = h("a", { class: "button primary", href: "#/live" }, text("action_to_start"));
    fill(element, emptyState("sparkle", text("catch_up_none_title"), text("catch_up_none"), start));
    return view;
  }
  const offer = h("div", { class: "offer", "aria-live": "polite" });
  const runner = catchUpRunner(app, { place: offer });
  let pricing;
  const ask = async (range) => {
    pricing?.abort();
    pricing = new AbortController();
    app.signal().addEventListener("abort", () => pricing.abort());
    const { signal } = pricing;
    const body = { session_id: session, ...rangeOf(range) };
    await loadInto(app, offer, () => app.client.quote(body, { signal }), (quote) => runner.offer(body, quote));
  };
  const options = MINUTES.map((minutes) => [String(minutes), duration(minutes * 60, locale())]);
  const ranges = choice({
    label: text("catch_up_range"),
    name: "range",
    options: [...options, [WHOLE, text("catch_up_whole")]],
    value: "10",
    onchange: ask,
  });
  fill(element, h("p", { class: "lead" }, text("catch_up_lead")), ranges, offer);
  void runner.continueStored(session).then((isRunning) => !isRunning && ask("10"));
  return view;
}

function rangeOf(range) {
  return range === WHOLE ? { from_ms: 0, to_ms: LONGEST_MS } : { minutes: Number(range) };
}

