/** What is recorded, who gets it, and what the person owes to others: agreed to before the first recording. */
import { text } from "../../common/i18n.js";
import { giveConsent, hasConsent } from "../../common/settings.js";
import { button, fill, h, icon } from "../elements.js";
import { busyButton, toggle } from "../forms.js";
import { noticeBox } from "../notices.js";
import { startCaptions } from "../start_captions.js";

const POINTS = [
  ["microphone", "consent_what_title", "consent_what"],
  ["shield", "consent_who_title", "consent_who"],
  ["history", "consent_kept_title", "consent_kept"],
  ["people", "consent_others_title", "consent_others"],
];

/** To read for everybody, and to agree to for who is signed in. After agreeing, the captions start that were asked for; without such, it is the page to read it again. */
export async function consentView(app) {
  const pendingStart = app.memory.pendingStart;
  const isGiven = await hasConsent();
  const points = POINTS.map(([name, title, body]) =>
    h("li", {}, icon(name), h("div", {}, h("h2", {}, text(title)), h("p", {}, text(body)))),
  );
  const problem = h("div", { class: "form-problem" });
  const element = h("div", { class: "consent" }, h("p", { class: "lead" }, text("consent_lead")), h("ul", { class: "points" }, points));
  if (!app.user) return { title: text("consent_title"), element, back: "/settings" }; // to read; who records agrees to it
  if (isGiven && !pendingStart) {
    element.append(noticeBox("success", text("consent_given")));
    return { title: text("consent_title"), element, back: "/settings" };
  }
  const promise = toggle({ label: text("consent_promise"), checked: false });
  const agree = async () => {
    if (!promise.input.checked) {
      fill(problem, noticeBox("error", text("consent_promise_missing")));
      return promise.input.focus();
    }
    await giveConsent();
    app.memory.pendingStart = undefined;
    if (pendingStart) await startCaptions(app, pendingStart).catch((error) => (app.memory.startError = error));
    app.go(app.home);
  };
  const refuse = () => {
    app.memory.pendingStart = undefined;
    app.go(app.home);
  };
  promise.input.addEventListener("change", () => fill(problem));
  element.append(
    promise.element,
    problem,
    h(
      "div",
      { class: "actions column" },
      busyButton(app, text(pendingStart ? "consent_agree_start" : "consent_agree"), agree, { kind: "primary wide", problem }),
      button(text("consent_refuse"), refuse, { kind: "wide" }),
    ),
  );
  return { title: text("consent_title"), element, back: app.home };
}
