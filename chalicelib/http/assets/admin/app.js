// The page: signing in, the views, the range of days, and the dialog for actions.

import { call, isSignedIn, signIn, signOut, downloadCsv } from "./api.js";
import { clear, run as runAt, whenSignedOut } from "./answers.js";
import { refreshAudit, showAudit } from "./audit.js";
import { drawCharts } from "./charts.js";
import { clearCosts, showCosts } from "./costs.js";
import { save } from "./download.js";
import { clearHealth, loadHealth } from "./health.js";
import { showPurchases } from "./payments.js";
import { showUser } from "./user.js";
import { showUsers } from "./users.js";
import { currentView, keepInAddress, showView } from "./views.js";

const DAY_MS = 86_400_000;
const byId = (id) => document.getElementById(id);
const range = byId("range").elements;
const dialog = byId("confirm");
// What concerns the whole page; an answer to an action stands beside its button.
const pagePlace = { text: byId("status"), problem: byId("notice"), retry: byId("retry") };
const run = (work) => runAt(work, pagePlace);

let lastRequest = 0; // number of the newest request for costs: the response to an earlier one is not shown
let showSearch = () => {};
let shownDays = ""; // empty after a load that failed

// Signing in

byId("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { email, password } = event.target.elements;
  if (await run(() => signIn(email.value, password.value))) {
    password.value = "";
    await run(openDashboard);
  }
});

async function openDashboard() {
  readRange(currentView().query);
  try {
    await load();
  } catch (error) {
    if (error.status === 403) signOut();
    throw error;
  }
  byId("sign-in").hidden = true;
  byId("dashboard").hidden = byId("sign-out").hidden = false;
  showSearch = showUsers(confirm, () => refreshAudit().catch(() => {}));
  openView();
  byId("main").focus({ preventScroll: true });
  await Promise.all([showAudit(), loadHealth().catch(() => {})]);
  return rangeShown();
}

function openView() {
  const view = currentView();
  showView();
  byId("download").hidden = view.name === "purchases"; // the file has costs
  drawCharts();
  pagePlace.text.textContent = rangeShown();
  if (view.name === "users") showSearch(view);
  if (view.name === "users/") showUser(view.id, confirm, () => refreshAudit().catch(() => {}));
  if (view.name === "purchases") showPurchases(range.from.value, range.to.value, confirm, () => refreshAudit().catch(() => {}));
}

addEventListener("hashchange", () => {
  if (byId("dashboard").hidden) return;
  openView();
  const { name } = currentView();
  if (name === "health") run(loadHealth);
  if (name === "audit") run(refreshAudit);
});

// A link within the page would otherwise be an address of a view.
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});

function closeDashboard() {
  signOut();
  lastRequest += 1;
  if (dialog.open) dialog.close("cancel");
  byId("sign-in").hidden = false;
  byId("dashboard").hidden = byId("sign-out").hidden = true;
  for (const section of document.querySelectorAll("#dashboard section")) {
    for (const part of [...section.children].slice(1)) part.remove();
  }
  byId("figures").replaceChildren();
  clearHealth();
  byId("sign-in").elements.email.focus();
}

whenSignedOut(() => {
  closeDashboard();
  pagePlace.problem.textContent = "You are signed out. Sign in again.";
});

byId("sign-out").addEventListener("click", () => {
  clear(pagePlace);
  closeDashboard();
});

// The range of days

const rangeQuery = () => `from=${encodeURIComponent(range.from.value)}&to=${encodeURIComponent(range.to.value)}`;

const dayOf = (time) => new Date(time).toISOString().slice(0, 10);

// `until`: how many days ago the range ends.
function selectLastDays(count, until = 0) {
  const last = Date.now() - until * DAY_MS;
  range.to.value = dayOf(last);
  range.from.value = dayOf(last - (count - 1) * DAY_MS);
  markPreset();
}

// The days that the address names, if it does.
function readRange(query) {
  const [from, to] = [query.get("from"), query.get("to")];
  if (!from || !to) return;
  range.from.value = from;
  range.to.value = to;
  if (!range.from.value || !range.to.value) selectLastDays(30);
  markPreset();
}

function markPreset() {
  const days = (Date.parse(range.to.value) - Date.parse(range.from.value)) / DAY_MS + 1;
  for (const button of document.querySelectorAll("[data-days]")) {
    const last = dayOf(Date.now() - (Number(button.dataset.until) || 0) * DAY_MS);
    button.setAttribute("aria-pressed", String(range.to.value === last && Number(button.dataset.days) === days));
  }
}

// The days of the figures, in the views that have a range.
const rangeShown = () => (byId("range").hidden ? "" : shownDays);

async function load() {
  const request = (lastRequest += 1);
  let costs;
  try {
    costs = await call("GET", `analytics/costs?${rangeQuery()}`);
  } catch (error) {
    shownDays = "";
    if (request === lastRequest) clearCosts(`The figures of ${range.from.value} to ${range.to.value} could not be loaded.`);
    throw error;
  }
  if (request !== lastRequest) return rangeShown();
  showCosts(costs);
  shownDays = `Shown: ${costs.from} to ${costs.to}, UTC.`;
  if (currentView().name === "purchases") openView();
  for (const name of ["money", "purchases", "usage"]) keepInAddress(name, { from: range.from.value, to: range.to.value });
  return rangeShown();
}

byId("range").addEventListener("submit", (event) => {
  event.preventDefault();
  markPreset();
  run(load);
});
for (const button of document.querySelectorAll("[data-days]")) {
  button.addEventListener("click", () => {
    selectLastDays(Number(button.dataset.days), Number(button.dataset.until) || 0);
    run(load);
  });
}

byId("download").addEventListener("click", () => run(async () => {
  const text = await downloadCsv(`analytics/costs?format=csv&${rangeQuery()}`);
  save(`costs-${range.from.value}-${range.to.value}.csv`, text);
}));

// The dialog before an action: asks for a reason and, for credits, an amount. Resolves to null if it is cancelled.

const { credits, dollars, reason } = dialog.querySelector("form").elements;
let resolveDialog = () => {};

function confirm({ title, text, verb, wantsCredits = false, wantsDollars = false, mostCents = 0 }) {
  resolveDialog(null); // The browser fires "close" late: the dialog may be open again by then.
  byId("confirm-title").textContent = title;
  byId("confirm-text").textContent = text;
  byId("confirm-ok").textContent = verb;
  byId("confirm-credits").hidden = !wantsCredits;
  credits.required = wantsCredits;
  byId("confirm-dollars").hidden = !wantsDollars;
  dollars.max = mostCents / 100;
  dollars.disabled = !wantsDollars;
  credits.value = dollars.value = reason.value = "";
  dialog.returnValue = "cancel";
  dialog.showModal();
  (wantsCredits ? credits : wantsDollars ? dollars : reason).focus();
  return new Promise((resolve) => { resolveDialog = resolve; });
}

dialog.addEventListener("close", () => {
  if (!dialog.open) resolveDialog(dialog.returnValue === "ok" ? dialogInput() : null);
});
const dialogInput = () => ({ credits: Number(credits.value), cents: Math.round(Number(dollars.value) * 100), reason: reason.value });
byId("confirm-cancel").addEventListener("click", () => dialog.close("cancel"));

// Light and dark: follows the system until the button is pressed, which names the theme it switches to.

const system = matchMedia("(prefers-color-scheme: dark)");

function setTheme(isDark) {
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
  byId("theme").textContent = isDark ? "Light" : "Dark";
  drawCharts();
}

byId("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme !== "dark"));
system.addEventListener("change", () => setTheme(system.matches));
setTheme(system.matches);
selectLastDays(30);
if (isSignedIn()) run(openDashboard);
