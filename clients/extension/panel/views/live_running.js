/** Captions that run: the words, the state, what the credits allow, and how to pause and stop. */
import { setCaptionSize } from "../../common/caption_sizes.js";
import { locale, text } from "../../common/i18n.js";
import { WARNING_TEXTS } from "../../common/live_view.js";
import { send } from "../../common/messages.js";
import { mergeRows, isSame } from "../captions.js";
import { button, fill, h, icon, iconButton, refill } from "../elements.js";
import { busyButton } from "../forms.js";
import { clockTime, duration, isoDuration } from "../format.js";
import { noticeBox } from "../notices.js";
import { placeOf } from "../routes.js";

const NEAR_THE_END_PIXELS = 60;
/** What the place of the captions says before the first words. */
const WAITING_TEXTS = { starting: "overlay_starting", live: "overlay_listening" };

export function runningPart(app, first) {
  const signal = app.signal();
  const state = h("p", { class: "state", role: "status" });
  const timer = h("span", { class: "timer" });
  const notices = h("div", { class: "live-notices" });
  const problem = h("div", { class: "form-problem" });
  const list = captionList(app);
  const controls = h("div", { class: "controls" });
  const links = h("div", { class: "live-links" });
  const tabName = h("p", { class: "tab-name", dir: "auto" });
  const element = h(
    "div",
    { class: "running" },
    h("div", { class: "live-head" }, state, timer, tabName),
    notices,
    list.element,
    h("div", { class: "live-foot" }, problem, links, controls),
  );
  setCaptionSize(element, app.settings.captionSize);
  const part = { element, sessionId: undefined, update };
  let view = first;
  let drawn = {};
  const tick = () => (timer.textContent = view.startedAtMs ? clockTime(Date.now() - view.startedAtMs) : "");
  const clock = setInterval(tick, 1000);
  signal.addEventListener("abort", () => clearInterval(clock));
  update(first);
  return part;

  function update(next) {
    view = next;
    part.sessionId = view.sessionId;
    tick();
    drawOnChange("state", view.state, () => {
      fill(state, stateOf(view));
      refill(controls, controlButtons(app, view, problem));
    });
    drawOnChange("tab", view.tabTitle, () => (tabName.textContent = view.tabTitle ?? ""));
    drawOnChange("notices", noticesKey(view), () => refill(notices, noticesOf(app, view)));
    drawOnChange("links", view.sessionId, () => fill(links, view.sessionId && linksOf(view)));
    list.update(view);
  }

  /** What did not change is not drawn again: screen readers would announce it twice. */
  function drawOnChange(name, key, draw) {
    if (drawn[name] === key && name in drawn) return;
    drawn = { ...drawn, [name]: key };
    draw();
  }
}

/** A sign and the name of the state. */
export function stateOf({ state }) {
  return [h("span", { class: "dot" }), text(`state_${state}`)];
}

/** Pause or resume, and stop; what it waits for while it stops. Errors go to `problem`. */
export function controlButtons(app, { state }, problem) {
  if (state === "stopping") return h("p", { class: "small center" }, text("overlay_stopping"));
  const stop = busyButton(app, text("action_stop"), () => send("STOP"), { icon: "stop", control: "stop", kind: "danger", problem });
  if (state === "starting") return stop;
  const isPaused = state === "paused";
  const [label, type, name] = isPaused ? ["action_resume", "RESUME", "play"] : ["action_pause", "PAUSE", "pause"];
  return [busyButton(app, text(label), () => send(type), { icon: name, control: "pause", problem }), stop];
}

function linksOf({ sessionId }) {
  const link = (name, label, path) =>
    h("a", { class: "button quiet-button", href: `#${placeOf(path, { session: sessionId, back: "/live" })}` }, icon(name), h("span", {}, text(label)));
  return [link("sparkle", "catch_up_title", "/catch-up"), link("question", "ask_title", "/ask")];
}

function noticesKey({ state, warning, credits: left, overlay }) {
  return JSON.stringify([state, warning?.code, left?.minutesLeft, left?.endsInSeconds, overlay]);
}

/** What the person has to know or can do while captions run. */
export function noticesOf(app, { state, warning, credits: left, overlay }) {
  const buy = () => button(text("action_buy"), () => app.go("/credits"), { kind: "primary", "data-control": "buy" });
  const isLow = left?.endsInSeconds !== undefined || warning?.code === "credits_low";
  const lowSentence = () =>
    left?.endsInSeconds === undefined
      ? text("live_credits_low", duration((left?.minutesLeft ?? 0) * 60, locale()))
      : text("live_ends_in", duration(left.endsInSeconds, locale()));
  const name = warning?.code !== "credits_low" && WARNING_TEXTS[warning?.code];
  return [
    state === "reconnecting" && noticeBox("offline", text("overlay_reconnecting")),
    state === "paused" && noticeBox("info", text("live_paused")),
    isLow && noticeBox("warning", lowSentence(), buy()),
    name && noticeBox("warning", text(name)),
    overlay === "unavailable" && h("p", { class: "small" }, text("live_no_overlay")),
    overlay === "hidden" && button(text("live_show_overlay"), () => void send("SHOW_CAPTIONS", { isVisible: true }).catch(() => undefined), { kind: "link" }),
  ];
}

/** The words: rows that are added and changed in place, at the end unless the person scrolled up. */
function captionList(app) {
  const list = h("ol", { class: "captions", "aria-live": app.settings.announceCaptions ? "polite" : "off", "aria-label": text("captions_label") });
  const partialWords = h("p", { dir: "auto" });
  const partial = h("div", { class: "partial", "aria-live": "off" }, partialWords);
  const hint = h("p", { class: "captions-hint" });
  const earlier = h("div", {});
  const scroller = h("div", { class: "scroller", tabindex: "0", role: "group", "aria-label": text("captions_label") }, earlier, list, partial, hint);
  const toEnd = iconButton("down", text("captions_to_end"), () => scrollToEnd(), { class: "to-end", hidden: true });
  const nodes = new Map();
  let merged = { sessionId: undefined, rows: [] };
  let isAtEnd = true;
  let seenSize;
  const size = () => `${scroller.clientWidth} ${scroller.clientHeight}`;
  scroller.addEventListener("scroll", () => {
    if (size() !== seenSize) return; // nobody scrolled up: the end moved, and the observer follows it next
    isAtEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_THE_END_PIXELS;
    toEnd.hidden = isAtEnd;
  });
  // When it is first shown, and when a notice above or the window takes of its height.
  const observer = new ResizeObserver(() => {
    seenSize = size();
    if (isAtEnd) scrollToEnd();
  });
  observer.observe(scroller);
  return { element: h("div", { class: "scroller-frame" }, scroller, toEnd), update };

  function scrollToEnd() {
    scroller.scrollTop = scroller.scrollHeight;
    isAtEnd = true;
    toEnd.hidden = true;
  }

  function update(view) {
    merged = mergeRows(merged, view);
    const first = merged.rows.find(({ kind }) => kind === "caption");
    fill(earlier, first?.seq > 0 && view.transcriptId && h("a", { href: `#/history/${view.transcriptId}`, class: "small" }, text("captions_earlier")));
    drawRows();
    partialWords.textContent = view.partial?.text ?? "";
    partial.hidden = !view.partial;
    const waitsFor = WAITING_TEXTS[view.state];
    hint.hidden = merged.rows.length > 0 || view.partial !== undefined || waitsFor === undefined;
    if (!hint.hidden) hint.textContent = text(waitsFor);
    if (isAtEnd) scrollToEnd();
  }

  function drawRows() {
    const keys = new Set(merged.rows.map(({ key }) => key));
    for (const [key, { node }] of nodes) {
      if (keys.has(key)) continue;
      node.remove();
      nodes.delete(key);
    }
    let before = list.firstChild;
    for (const row of merged.rows) {
      const known = nodes.get(row.key);
      if (known && isSame(row, known.row) && known.node === before) {
        before = before.nextSibling;
        continue;
      }
      const node = captionRow(row);
      if (known) known.node.replaceWith(node);
      else list.insertBefore(node, before);
      before = node.nextSibling;
      nodes.set(row.key, { row, node });
    }
  }
}

/** A caption, or a part without words, as an item of a list. */
export function captionRow(row, { isFound = false } = {}) {
  const time = h("time", { datetime: isoDuration(row.startMs) }, clockTime(row.startMs));
  if (row.kind === "gap") {
    const seconds = Math.max(1, Math.round((row.endMs - row.startMs) / 1000));
    const name = row.reason === "no_audio" ? "gap_no_audio" : "gap";
    return h("li", { class: "gap" }, time, h("p", {}, text(name, duration(seconds, locale()))));
  }
  return h("li", isFound ? { class: "found", "aria-current": "true" } : {}, time, h("p", { dir: "auto" }, row.speaker && h("span", { class: "speaker" }, row.speaker), row.text));
}

