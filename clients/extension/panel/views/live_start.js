/** How captions start: the tab in front, the microphone if wanted, and what it costs. */
import { locale, text } from "../../common/i18n.js";
import { fill, h, icon } from "../elements.js";
import { busyButton, toggle } from "../forms.js";
import { duration, languageName, minutesOf } from "../format.js";
import { loadMicrophoneChoice, storeMicrophoneChoice } from "../microphone.js";
import { credits, errorBox, noticeBox } from "../notices.js";
import { captionedTab, startCaptions } from "../start_captions.js";

/** What kept the last start from succeeding: as the worker stored it, or as another page handed it on. */
export function startProblem(app, { state, error }) {
  const handedOn = app.memory.startError;
  app.memory.startError = undefined;
  return state === "ended" ? handedOn : (handedOn ?? error);
}

/** `error`: why the last start failed. It is not shown where `start` was clicked: the page was redrawn while the session was starting. */
export function startPart(app, error) {
  const signal = app.signal();
  const problem = h("div", { class: "form-problem" }, error && errorBox(app, error));
  const tabName = h("p", { class: "tab-name", dir: "auto" });
  const microphone = toggle({ label: text("start_microphone"), hint: text("start_microphone_hint"), onchange: storeMicrophoneChoice });
  const start = busyButton(app, text("action_start"), () => startCaptions(app, { microphone: microphone.input.checked }), {
    kind: "primary wide start",
    icon: "captions",
    problem,
    retry: true,
  });
  const cost = h("p", { class: "small center" });
  const low = h("div", { class: "form-problem" });
  const { language } = app.settings;
  const languageLink = h(
    "a",
    { href: "#/settings", class: "row-link" },
    h("span", {}, text("settings_language")),
    h("span", { class: "quiet" }, language ? languageName(language, locale()) : text("language_automatic")),
    icon("forward"),
  );

  const showTab = async () => {
    const tab = await captionedTab();
    tabName.textContent = tab?.title || text("start_tab_unnamed");
  };
  const events = [chrome.tabs.onActivated, chrome.tabs.onUpdated];
  for (const event of events) event.addListener(showTab);
  signal.addEventListener("abort", () => events.forEach((event) => event.removeListener(showTab)));
  void showTab();
  void loadMicrophoneChoice().then((isOn) => (microphone.input.checked = isOn));
  app.followBalance((balance) => {
    fill(cost, costSentence(app, balance));
    fill(low, balance && balance.available + balance.held <= 0 && outOfCredits());
  });

  return h(
    "section",
    { class: "card start-card", "aria-labelledby": "start-title" },
    h("div", { class: "start-tab" }, icon("tab"), h("div", {}, h("h2", { id: "start-title" }, text("start_title")), tabName)),
    microphone.element,
    languageLink,
    low,
    problem,
    start,
    cost,
  );
}

function costSentence({ creditsPerMinute }, balance) {
  if (!balance || !creditsPerMinute) return text("start_cost_by_second");
  const minutes = minutesOf(balance.available + balance.held, creditsPerMinute);
  return text("start_cost", credits(creditsPerMinute), duration(minutes * 60, locale()));
}

function outOfCredits() {
  const buy = h("a", { href: "#/credits", class: "button" }, text("action_buy"));
  return noticeBox("warning", text("start_no_credits"), buy);
}
