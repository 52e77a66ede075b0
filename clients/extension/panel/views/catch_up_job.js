/** A catch-up from its price to its summary. It goes on at the API when the page is closed, and is found again here. */
import { text } from "../../common/i18n.js";
import { button, fill, h } from "../elements.js";
import { isAborted } from "../errors.js";
import { clockTime, isoDuration } from "../format.js";
import { credits, errorBox, noticeBox } from "../notices.js";
import { placeOf } from "../routes.js";

const JOB_KEY = "catch-up-job";

/** `place` is filled with the offer, then the progress, then the result. */
export function catchUpRunner(app, { place }) {
  const pageSignal = app.signal();
  return { offer, continueStored };

  /** The price with the button to start; what is in store is free. */
  function offer(body, quote) {
    const price = quote.credits === 0 ? text("catch_up_free") : text("catch_up_price", credits(quote.credits), credits(quote.credits_available));
    if (quote.credits > quote.credits_available) {
      return noticeBox("warning", price, h("a", { class: "button primary", href: "#/credits" }, text("action_buy")));
    }
    const start = button(text("action_summarise"), () => void run(body), { kind: "primary wide", icon: "sparkle" });
    return h("div", {}, h("p", { class: "price" }, price), start);
  }

  /** Continues the catch-up of this source that an earlier page started. Returns whether there is one. */
  async function continueStored(source) {
    const { [JOB_KEY]: stored } = await chrome.storage.session.get(JOB_KEY);
    if (stored?.source !== source) return false;
    void follow((options) => app.client.catchups.wait(stored.jobId, options), { source });
    return true;
  }

  async function run(body) {
    const source = body.session_id ?? body.upload_id;
    await follow((options) => app.client.catchUp(body, options), { source, retry: () => void run(body) });
  }

  async function follow(work, { source, retry }) {
    const controller = new AbortController();
    pageSignal.addEventListener("abort", () => controller.abort());
    const bar = h("progress", { max: "100", value: 0, "aria-label": text("catch_up_progress") });
    const status = h("p", { role: "status" }, text("catch_up_queued"));
    const cancel = button(text("catch_up_stop_waiting"), () => controller.abort());
    fill(place, h("div", { class: "working" }, status, bar, h("p", { class: "small" }, text("catch_up_goes_on")), cancel));
    cancel.focus();
    const onProgress = (job) => {
      void chrome.storage.session.set({ [JOB_KEY]: { jobId: job.job_id, source } });
      bar.value = job.progress;
      status.textContent = text(`catch_up_${job.status}`);
    };
    try {
      const job = await work({ signal: controller.signal, onProgress });
      await chrome.storage.session.remove(JOB_KEY);
      void app.refreshBalance().catch(() => undefined);
      const result = resultOf(job);
      fill(place, result);
      result.querySelector("h2").focus();
    } catch (error) {
      if (pageSignal.aborted) return;
      if (!isAborted(error)) await chrome.storage.session.remove(JOB_KEY);
      app.noticeError(error);
      const stopped = isAborted(error) && noticeBox("info", text("catch_up_stopped_waiting"));
      fill(place, stopped || errorBox(app, error, { retry }));
    }
  }
}

function resultOf(job) {
  const transcript = job.transcript_id && h("a", { class: "button", href: `#${placeOf(`/history/${job.transcript_id}`)}` }, text("ended_transcript"));
  const used = job.credits_used > 0 ? text("credits_used", credits(job.credits_used)) : text("credits_used_none");
  return h(
    "section",
    { class: "result", "aria-labelledby": "result-title" },
    h("h2", { id: "result-title", tabindex: "-1" }, text("catch_up_summary")),
    summaryOf({ ...job, is_whole: job.summary_is_whole }),
    h("p", { class: "small" }, used),
    h("div", { class: "actions" }, transcript),
  );
}

/** A summary with its moments, as a catch-up returns it and a transcript keeps it. */
export function summaryOf({ summary, key_moments: moments = [], is_whole: isWhole = true }) {
  const items = moments.map(({ start_ms, title }) =>
    h("li", {}, h("time", { datetime: isoDuration(start_ms) }, clockTime(start_ms)), h("span", { dir: "auto" }, title)),
  );
  return h(
    "div",
    { class: "summary" },
    h("p", { dir: "auto" }, summary),
    items.length > 0 && [h("h3", {}, text("catch_up_moments")), h("ol", { class: "moments" }, items)],
    !isWhole && h("p", { class: "small" }, text("catch_up_not_whole")),
  );
}
