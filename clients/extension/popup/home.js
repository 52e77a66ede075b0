/** The popup of who is signed in: what is left, and captions on this tab. */
import { locale, text } from "../common/i18n.js";
import { isActive } from "../common/live_view.js";
import { send } from "../common/messages.js";
import { button, fill, h, icon } from "../panel/elements.js";
import { busyButton } from "../panel/forms.js";
import { duration, minutesOf } from "../panel/format.js";
import { credits, noticeBox } from "../panel/notices.js";
import { endedCard, interruptedCard } from "../panel/views/live_ended.js";
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
    const key = JSON.stringify([view.state, view.error?.code, view.interrupted?.sessionId, view.credits?.endsInSeconds !== undefined]);
    if (key === shown) return;
    shown = key;
    if (isActive(view.state)) return void fill(place, runningCard(app, view));
    fill(place, view.state === "ended" && endedCard(app, view), view.interrupted && interruptedCard(app, view.interrupted), startPart(app, startProblem(app, view)));
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
  const isPaused = view.state === "paused";
  const isBusy = view.state === "starting" || view.state === "stopping";
  const pause = busyButton(app, text(isPaused ? "action_resume" : "action_pause"), () => send(isPaused ? "RESUME" : "PAUSE"), { problem });
  const stop = busyButton(app, text("action_stop"), () => send("STOP"), { kind: "danger", problem });
  pause.prepend(icon(isPaused ? "play" : "pause"));
  stop.prepend(icon("stop"));
  const buy = button(text("action_buy"), () => app.go("/credits"), { kind: "primary" });
  return h(
    "section",
    { class: "card" },
    h("p", { class: "state", role: "status" }, h("span", { class: "dot" }), text(`state_${view.state}`)),
    h("p", { class: "tab-name" }, view.tabTitle ?? ""),
    view.credits?.endsInSeconds !== undefined && noticeBox("warning", text("live_ends_in", duration(view.credits.endsInSeconds, locale())), buy),
    problem,
    !isBusy && h("div", { class: "controls" }, pause, stop),
  );
}
