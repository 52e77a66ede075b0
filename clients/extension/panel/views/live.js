/** The first page: captions that run, what the last ones came to, and how to start. */
import { endNameOf } from "../../common/ends.js";
import { text } from "../../common/i18n.js";
import { isActive } from "../../common/live_view.js";
import { send } from "../../common/messages.js";
import { h, refill } from "../elements.js";
import { noticeBox } from "../notices.js";
import { endedCard, interruptedCard } from "./live_ended.js";
import { runningPart } from "./live_running.js";
import { sourceNotice } from "./source_notice.js";
import { startPart, startProblem } from "./live_start.js";

export function liveView(app) {
  const element = h("div", { class: "live" });
  if (app.memory.welcome) {
    app.memory.welcome = false;
    element.append(noticeBox("success", text("welcome")));
  }
  const place = h("div", { class: "live-place" });
  element.append(place);
  void send("WAKE").catch(() => undefined); // the worker saves what waits, and looks for an interrupted session

  let shown;
  let running;
  let source;
  app.followLive((view) => {
    const phase = isActive(view.state) ? `active ${view.sessionId ?? ""}` : `idle ${view.state} ${endNameOf(view) ?? ""} ${view.interrupted?.sessionId ?? ""} ${view.error?.code ?? ""}`;
    const goesOn = running && isActive(view.state) && (running.sessionId === undefined || running.sessionId === view.sessionId);
    if (goesOn) {
      source.update(view);
      return running.update(view);
    }
    if (phase === shown) return undefined;
    shown = phase;
    running = undefined;
    if (isActive(view.state)) {
      running = runningPart(app, view);
      source = sourceNotice();
      source.update(view);
      refill(place, source.element, running.element);
    } else refill(place, resultCards(app, view), startPart(app, startProblem(app, view)));
    return undefined;
  });
  return { title: text("live_title"), element };
}

function resultCards(app, view) {
  return [view.state === "ended" && endedCard(app, view), view.interrupted && interruptedCard(app, view.interrupted)];
}
