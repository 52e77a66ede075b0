/** The popup of who is signed in: what is left, and captions on this tab. */
import { endNameOf } from "../common/ends.js";
import { locale, text } from "../common/i18n.js";
import { isActive } from "../common/live_view.js";
import { send } from "../common/messages.js";
import { button, fill, h, refill } from "../panel/elements.js";
import { duration, minutesOf } from "../panel/format.js";
import { credits } from "../panel/notices.js";
import { endedCard, interruptedCard } from "../panel/views/live_ended.js";
import { controlButtons, noticesOf, stateOf } from "../panel/views/live_running.js";
import { sourceNotice } from "../panel/views/source_notice.js";
import { startPart, startProblem } from "../panel/views/live_start.js";

export function homeView(app) {
  const balance = h("p", { class: "popup-balance" });
  const place = h("div", { class: "live-place" });
  const open = button(text("popup_open_panel"), () => app.leave("/live"), { kind: "wide quiet-button", icon: "panel" });
  const element = h("div", { class: "popup-home" }, balance, place, open);
  void send("WAKE").catch(() => undefined);
  let shown;

  app.followBalance((current) => fill(balance, current && balanceOf(app, current)));
  app.followLive((view) => {
    const isEnding = view.credits?.endsInSeconds !== undefined;
    const key = JSON.stringify([view.state, endNameOf(view), view.error?.code, view.interrupted?.sessionId, isEnding, view.warning?.code, view.overlay, view.isMicrophoneGone]);
    if (key === shown) return;
    shown = key;
    if (isActive(view.state)) return void refill(place, runningCard(app, view));
    refill(place, view.state === "ended" && endedCard(app, view), view.interrupted && interruptedCard(app, view.interrupted), startPart(app, startProblem(app, view)));
  });
  return { title: text("extension_name"), element };
}

function balanceOf({ creditsPerMinute }, { available, held }) {
  const total = available + held;
  const minutes = minutesOf(total, creditsPerMinute);
  return [
    h("strong", {}, credits(total)),
    minutes !== undefined && h("span", { class: "quiet" }, text("credits_minutes", duration(minutes * 60, locale()))),
  ];
}

function runningCard(app, view) {
  const problem = h("div", { class: "form-problem" });
  const source = sourceNotice();
  source.update(view);
  return h(
    "section",
    { class: "card" },
    h("p", { class: "state", role: "status" }, stateOf(view)),
    h("p", { class: "tab-name", dir: "auto" }, view.tabTitle ?? ""),
    source.element,
    h("div", { class: "live-notices" }, noticesOf(app, view)),
    problem,
    h("div", { class: "controls" }, controlButtons(app, view, problem)),
  );
}
