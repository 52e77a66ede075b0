// The page: signing in, the range of days, error messages, and the dialog for actions.

import { call, isSignedIn, signIn, signOut, downloadCsv } from "./api.js";
import { drawCharts } from "./charts.js";
import { showCosts } from "./costs.js";
import { showSales } from "./payments.js";
import { showAudit, showUsers } from "./people.js";
import { showUser, userIdInAddress } from "./user.js";

const DAY_MS = 86_400_000;
const byId = (id) => document.getElementById(id);
const range = byId("range").elements;
const dialog = byId("confirm");

let lastRequest = 0; // number of the newest request for costs: the response to an earlier one is not shown

// Run `work` and show its result in the status line, or its error as a notice. `true` if it succeeded.
async function run(work) {
  clearNotice();
  byId("status").textContent = "Working…";
  document.body.setAttribute("aria-busy", "true");
  let status = "";
  try {
    status = (await work()) ?? "";
    return true;
  } catch (error) {
    showError(error);
    if (error.status === 0 || error.status === 429 || error.status >= 500) offerRetry(work, error.retryAfterSeconds ?? 0);
    return false;
  } finally {
    document.body.removeAttribute("aria-busy");
    byId("status").textContent = status;
  }
}

function showError(error) {
  if (error.status === undefined) console.error(error);
  const isSignedOut = error.status === 401 && isSignedIn();
  if (isSignedOut) closeDashboard();
  const message = isSignedOut ? "You are signed out. Sign in again." : error.message;
  const advice = error.code === "forbidden" ? " Only accounts in the group admins may use this dashboard." : "";
  byId("notice").textContent = error.status === undefined
    ? "Something went wrong on this page. Reload it."
    : `${message}${advice} (${error.code})`;
}

function clearNotice() {
  byId("notice").textContent = "";
  byId("retry").hidden = true;
  byId("retry").onclick = null;
}

// A button that runs the work again, enabled after the seconds that the API asks for.
function offerRetry(work, seconds) {
  const button = byId("retry");
  const retry = () => run(work);
  button.hidden = false;
  button.onclick = retry;
  const countDown = (secondsLeft) => {
    if (button.onclick !== retry) return;
    button.disabled = secondsLeft > 0;
    button.textContent = secondsLeft > 0 ? `Try again in ${secondsLeft} s` : "Try again";
    if (secondsLeft > 0) setTimeout(countDown, 1000, secondsLeft - 1);
  };
  countDown(Math.ceil(seconds));
}

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
  try {
    await load();
  } catch (error) {
    if (error.status === 403) signOut();
    throw error;
  }
  byId("sign-in").hidden = true;
  byId("dashboard").hidden = byId("sign-out").hidden = false;
  drawCharts();
  byId("main").focus({ preventScroll: true });
  showUsers(run, confirm);
  await showAudit(run);
  await showAddress();
  return rangeShown();
}

// The page of the user that the address names, or everything else.
async function showAddress() {
  const userId = userIdInAddress();
  byId("user").hidden = !userId;
  byId("overview").hidden = Boolean(userId);
  if (userId) {
    scrollTo({ top: 0, behavior: "instant" });
    byId("user-title").focus({ preventScroll: true });
    await showUser(userId, run, confirm);
  } else {
    drawCharts();
    document.querySelector(/^#[a-z]+$/.test(location.hash) ? location.hash : "#main")?.scrollIntoView();
  }
}

addEventListener("hashchange", () => {
  if (!byId("dashboard").hidden) run(showAddress);
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
  byId("sign-in").elements.email.focus();
}

byId("sign-out").addEventListener("click", () => {
  clearNotice();
  closeDashboard();
});

// The range of days

const rangeQuery = () => `from=${encodeURIComponent(range.from.value)}&to=${encodeURIComponent(range.to.value)}`;

function selectLastDays(count) {
  const today = Date.now();
  range.to.value = new Date(today).toISOString().slice(0, 10);
  range.from.value = new Date(today - (count - 1) * DAY_MS).toISOString().slice(0, 10);
  markPreset();
}

function markPreset() {
  const days = (Date.parse(range.to.value) - Date.parse(range.from.value)) / DAY_MS + 1;
  const isUpToToday = range.to.value === new Date().toISOString().slice(0, 10);
  for (const button of document.querySelectorAll("[data-days]")) {
    button.setAttribute("aria-pressed", String(isUpToToday && Number(button.dataset.days) === days));
  }
}

const rangeShown = () => `Shown: ${range.from.value} to ${range.to.value}, UTC.`;

async function load() {
  const request = (lastRequest += 1);
  const costs = await call("GET", `analytics/costs?${rangeQuery()}`);
  if (request !== lastRequest) return rangeShown();
  showCosts(costs);
  await showSales(rangeQuery(), run, confirm);
  return rangeShown();
}

byId("range").addEventListener("submit", (event) => {
  event.preventDefault();
  markPreset();
  run(load);
});
for (const button of document.querySelectorAll("[data-days]")) {
  button.addEventListener("click", () => {
    selectLastDays(Number(button.dataset.days));
    run(load);
  });
}

byId("download").addEventListener("click", () => run(async () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff", await downloadCsv(`analytics/costs?format=csv&${rangeQuery()}`)], { type: "text/csv" }));
  link.download = `costs-${range.from.value}-${range.to.value}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
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
