/** What the last captions came to, and a session that an earlier run of the browser left open. */
import { endNameOf } from "../../common/ends.js";
import { locale, text } from "../../common/i18n.js";
import { send } from "../../common/messages.js";
import { h } from "../elements.js";
import { explainEnd } from "../errors.js";
import { busyButton } from "../forms.js";
import { duration } from "../format.js";
import { loadMicrophoneChoice } from "../microphone.js";
import { actionButtons, credits, noticeBox, sentence } from "../notices.js";
import { placeOf } from "../routes.js";
import { startCaptions } from "../start_captions.js";

/** How they ended and what they cost; below it, what can be done with the words. */
export function endedCard(app, view) {
  const { ended, transcriptId, sessionId, captions } = view;
  const meaning = explainEnd(view);
  const isGood = endNameOf(view) === "stopped";
  const { billedSeconds, creditsUsed } = ended;
  const cost =
    creditsUsed !== undefined && h("p", { class: "small" }, text("ended_cost", duration(billedSeconds ?? 0, locale()), credits(creditsUsed)));
  const ways = meaning.action === "start" ? [] : actionButtons(app, meaning, () => void send("WAKE").catch(() => undefined));
  const hasWords = captions.length > 0 && transcriptId && ended.reason !== "deleted";
  const link = (label, place) => h("a", { class: "button quiet-button", href: `#${place}` }, text(label));
  const links =
    hasWords &&
    h(
      "div",
      { class: "live-links" },
      link("ended_transcript", placeOf(`/history/${transcriptId}`)),
      link("catch_up_title", placeOf("/catch-up", { session: sessionId, back: "/live" })),
    );
  return [noticeBox(isGood ? "success" : "warning", sentence(meaning), cost, ...ways), links];
}

/** With `stopAtMs`, the lease runs and is billed, and the worker stops the session then; without, it costs nothing. */
export function interruptedCard(app, { sessionId, tabTitle, stopAtMs }) {
  const problem = h("div", { class: "form-problem" });
  const resume = async () => startCaptions(app, { sessionId, microphone: await loadMicrophoneChoice() });
  const finish = () => send("STOP_SESSION", { sessionId });
  return h(
    "section",
    { class: "card", "aria-labelledby": "interrupted-title" },
    h("h2", { id: "interrupted-title" }, text("interrupted_title")),
    tabTitle && h("p", { class: "tab-name", dir: "auto" }, tabTitle),
    stopAtMs === undefined ? h("p", {}, text("interrupted_lapsed")) : countdown(stopAtMs),
    problem,
    h(
      "div",
      { class: "actions" },
      busyButton(app, text("interrupted_resume"), resume, { kind: "primary", problem, retry: true }),
      busyButton(app, text("interrupted_finish"), finish, { problem, retry: true }),
    ),
  );
}

/** Until the worker stops the session. No live region: it would be read aloud each second. */
function countdown(stopAtMs) {
  const element = h("p", { class: "countdown" });
  const tick = () => {
    const seconds = Math.max(0, Math.round((stopAtMs - Date.now()) / 1000));
    element.textContent = text("interrupted_running", duration(seconds, locale()));
  };
  tick();
  const clock = setInterval(() => (element.isConnected ? tick() : clearInterval(clock)), 1000);
  return element;
}
