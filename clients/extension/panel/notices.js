/** What the app tells: errors with what to do next, results, and questions before something is lost. */
import { locale, text } from "../common/i18n.js";
import { button, fill, h, icon } from "./elements.js";
import { explain, isAborted } from "./errors.js";
import { duration, isolate, number, pluralName } from "./format.js";

/** "1 credit", "200 credits". */
export function credits(count) {
  return text(pluralName("credits", count, locale()), number(count, locale()));
}

/** A sentence of `errors.js` in the language of the texts. */
export function sentence({ text: name, values = [] }) {
  const inWords = (value) => (value.credits !== undefined ? credits(value.credits) : duration(value.seconds, locale()));
  return text(name, ...values.map(inWords));
}

/** Where an action leads; `retry` is the page's own. */
const PLACES = {
  sign_in: { label: "action_sign_in", place: "/sign-in" },
  confirm: { label: "action_enter_code", place: "/confirm" },
  buy: { label: "action_buy", place: "/credits" },
  settings: { label: "action_settings", place: "/settings" },
  start: { label: "action_to_start", place: "/live" },
  history: { label: "action_to_history", place: "/history" },
  microphone: { label: "action_allow_microphone", place: "/microphone" },
};

/** A box that says what went wrong and what to do; undefined if the person stopped it. `retry`: does it again. */
export function errorBox(app, error, { retry } = {}) {
  if (isAborted(error)) return undefined;
  console.debug(error);
  const explained = explain(error, { isOnline: navigator.onLine });
  return noticeBox("error", sentence(explained), h("div", { class: "actions" }, actionButtons(app, explained, retry)), requestId(explained));
}

/** Buttons for what can be done; none that leads to the page that is shown. */
export function actionButtons(app, { action, otherAction }, retry) {
  const buttonOf = (name) => {
    if (name === "retry") return retry && button(text("action_retry"), retry);
    const way = PLACES[name];
    if (!way || location.hash === `#${way.place}`) return undefined;
    return button(text(way.label), () => app.go(way.place), { kind: name === "buy" ? "primary" : "" });
  };
  return [action, otherAction].map(buttonOf).filter(Boolean);
}

function requestId({ requestId: id }) {
  return id && h("p", { class: "small" }, text("error_request_id", isolate(id)));
}

const ICONS = { error: "warning", warning: "warning", info: "clock", success: "check", offline: "offline" };

/** A box with an icon. Errors are announced at once, everything else when the screen reader is idle. */
export function noticeBox(kind, sentenceText, ...children) {
  return h(
    "div",
    { class: `notice ${kind}`, role: kind === "error" ? "alert" : "status" },
    icon(ICONS[kind]),
    h("div", { class: "notice-body" }, h("p", {}, sentenceText), ...children),
  );
}

/** What a page shows instead of a list that has nothing. */
export function emptyState(name, title, sentenceText, ...actions) {
  return h("div", { class: "empty" }, icon(name), h("h2", {}, title), h("p", {}, sentenceText), h("div", { class: "actions" }, ...actions));
}

/** Asks before something is lost. Resolves with whether the person agreed. The first focus is on "Cancel". */
export function confirm({ title, body, yes }) {
  return new Promise((resolve) => {
    const answer = (value) => {
      dialog.close();
      resolve(value);
    };
    const cancel = button(text("action_cancel"), () => answer(false));
    const agree = button(yes, () => answer(true), { kind: "danger" });
    const dialog = h(
      "dialog",
      { "aria-labelledby": "dialog-title", "aria-describedby": "dialog-body" },
      h("h2", { id: "dialog-title" }, title),
      h("p", { id: "dialog-body" }, body),
      h("div", { class: "actions" }, cancel, agree),
    );
    // Also by the Escape key, or where another view is shown; after an answer this changes nothing.
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(false);
    });
    document.body.append(dialog);
    dialog.showModal();
    cancel.focus();
  });
}

/** The newest loading of each element: what an earlier one brings comes too late. */
const newestLoads = new WeakMap();

/** Fills `element` with what `load` resolves to; until then with a sign of waiting, after an error with a way on. */
export async function loadInto(app, element, load, render) {
  const signal = app.signal();
  const run = async () => {
    const own = {};
    newestLoads.set(element, own);
    const isOutdated = () => signal.aborted || newestLoads.get(element) !== own;
    element.setAttribute("aria-busy", "true");
    fill(element, skeleton());
    try {
      const value = await load(signal);
      if (!isOutdated()) fill(element, render(value));
    } catch (error) {
      if (isOutdated()) return;
      app.noticeError(error);
      fill(element, errorBox(app, error, { retry: run }));
    } finally {
      if (!isOutdated()) element.removeAttribute("aria-busy");
    }
  };
  await run();
}

function skeleton() {
  const lines = [h("div", { class: "bone" }), h("div", { class: "bone" }), h("div", { class: "bone short" })];
  return h("div", { class: "skeleton", role: "status" }, h("span", { class: "visually-hidden" }, text("loading")), ...lines);
}
