/** The side panel: all views. */
import { locale, text } from "../common/i18n.js";
import { isActive } from "../common/live_view.js";
import { startApp } from "./app.js";
import { fill, h, icon } from "./elements.js";
import { duration, minutesOf, number } from "./format.js";
import { accountRoutes } from "./account_routes.js";
import { watchPlace } from "./panel_place.js";
import { askView } from "./views/ask.js";
import { catchUpView } from "./views/catch_up.js";
import { creditsView } from "./views/credits.js";
import { historyView } from "./views/history.js";
import { liveView } from "./views/live.js";
import { microphoneView } from "./views/microphone.js";
import { settingsView } from "./views/settings.js";
import { transcriptView } from "./views/transcript.js";
import { uploadView } from "./views/upload.js";
import { usageView } from "./views/usage.js";

const ROUTES = [
  ...accountRoutes,
  { path: "/live", access: "member", tab: "live", isHome: true, view: liveView },
  { path: "/catch-up", access: "member", tab: "live", view: catchUpView },
  { path: "/ask", access: "member", tab: "live", view: askView },
  { path: "/history", access: "member", tab: "history", view: historyView },
  { path: "/history/:id", access: "member", tab: "history", view: transcriptView },
  { path: "/upload", access: "member", tab: "history", view: uploadView },
  { path: "/credits", access: "member", tab: "credits", view: creditsView },
  { path: "/usage", access: "member", tab: "credits", view: usageView },
  { path: "/settings", access: "any", tab: "settings", view: settingsView },
  { path: "/microphone", access: "any", view: microphoneView },
];
const TABS = [
  ["live", "captions", "tab_live"],
  ["history", "history", "tab_history"],
  ["credits", "credits", "tab_credits"],
  ["settings", "settings", "tab_settings"],
];

function tabLinks() {
  return TABS.map(([tab, name, label]) =>
    h("a", { href: `#/${tab}`, "data-tab": tab }, icon(name), h("span", {}, text(label)), tab === "live" && h("span", { class: "visually-hidden live-mark" })),
  );
}

/** What is left, in the corner of every page. */
function drawChip(app) {
  const chip = document.getElementById("chip");
  chip.hidden = !app.balance || !app.user;
  if (chip.hidden) return;
  const total = app.balance.available + app.balance.held;
  const minutes = minutesOf(total, app.creditsPerMinute);
  const amount = minutes === undefined ? number(total, locale()) : duration(minutes * 60, locale());
  chip.classList.toggle("low", minutes === undefined ? total <= 0 : minutes < 5);
  chip.setAttribute("aria-label", text("chip_label", amount));
  fill(chip, icon(minutes === undefined ? "credits" : "clock"), h("span", {}, amount));
}

const app = await startApp({ routes: ROUTES, home: "/live", tabs: tabLinks() });
app.always("balance", () => drawChip(app));
app.always("live", () => {
  const isOn = isActive(app.live.state);
  document.querySelector(".live-mark").textContent = isOn ? text("tab_live_on") : "";
  drawChip(app);
});
await watchPlace((place) => app.go(place));
