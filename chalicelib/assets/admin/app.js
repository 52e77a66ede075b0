// The page: signing in, the days shown, and what goes wrong, in words.

import { call, isSignedIn, signIn, signOut, wholeFile } from "./api.js";
import { drawAll } from "./charts.js";
import { showCosts } from "./costs.js";
import { showAudit, showUsers } from "./people.js";

const DAY_MS = 86_400_000;
const byId = (id) => document.getElementById(id);
const range = byId("range").elements;

// What goes wrong in `work` is said in words; `true` if nothing did.
async function run(work) {
  byId("notice").textContent = "";
  byId("status").textContent = "Working…";
  document.body.setAttribute("aria-busy", "true");
  try {
    await work();
    return true;
  } catch (error) {
    say(error);
    return false;
  } finally {
    document.body.removeAttribute("aria-busy");
    byId("status").textContent = "";
  }
}

function say(error) {
  const words = { 403: " This dashboard is for accounts in the group admins.", 503: ` Try again in ${error.retryAfterSeconds ?? 5} seconds.` };
  const isSignedOut = error.status === 401 && isSignedIn();
  if (isSignedOut) leave();
  byId("notice").textContent = error.status === undefined
    ? "Something went wrong on this page. Reload it."
    : (isSignedOut ? "Your sign-in has ended: sign in again." : error.message) + (error.code === "account_blocked" ? "" : words[error.status] ?? "") + ` (${error.code})`;
  if (error.status === undefined) console.error(error);
}

// Signing in

byId("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  const { email, password } = event.target.elements;
  run(async () => {
    await signIn(email.value, password.value);
    password.value = "";
    try {
      await load();
    } catch (error) {
      signOut();
      throw error;
    }
    byId("sign-in").hidden = true;
    byId("dashboard").hidden = byId("sign-out").hidden = false;
    drawAll();
    byId("main").focus();
    showUsers(run, ask);
    await showAudit(run);
  });
});

function leave() {
  signOut();
  byId("sign-in").hidden = false;
  byId("dashboard").hidden = byId("sign-out").hidden = true;
  for (const section of document.querySelectorAll("#dashboard section")) {
    for (const part of [...section.children].slice(1)) part.remove();
  }
  byId("figures").replaceChildren();
  byId("sign-in").elements.email.focus();
}

byId("sign-out").addEventListener("click", leave);

// The days shown

const asked = () => `from=${encodeURIComponent(range.from.value)}&to=${encodeURIComponent(range.to.value)}`;

function lastDays(count) {
  const today = Date.now();
  range.to.value = new Date(today).toISOString().slice(0, 10);
  range.from.value = new Date(today - (count - 1) * DAY_MS).toISOString().slice(0, 10);
  mark();
}

function mark() {
  const days = (Date.parse(range.to.value) - Date.parse(range.from.value)) / DAY_MS + 1;
  const isUpToToday = range.to.value === new Date().toISOString().slice(0, 10);
  for (const button of document.querySelectorAll("[data-days]")) {
    button.setAttribute("aria-pressed", String(isUpToToday && Number(button.dataset.days) === days));
  }
}

async function load() {
  showCosts(await call("GET", `analytics/costs?${asked()}`));
}

byId("range").addEventListener("submit", (event) => {
  event.preventDefault();
  mark();
  run(load);
});
for (const button of document.querySelectorAll("[data-days]")) {
  button.addEventListener("click", () => {
    lastDays(Number(button.dataset.days));
    run(load);
  });
}

byId("download").addEventListener("click", () => run(async () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([await wholeFile(`analytics/costs?format=csv&${asked()}`)], { type: "text/csv" }));
  link.download = `costs-${range.from.value}-${range.to.value}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}));

// Asking before something is done: the reason and, where it is about credits, how many; null if it is called off.

function ask(title, wantsCredits) {
  const dialog = byId("ask");
  const { credits, reason } = dialog.querySelector("form").elements;
  byId("ask-title").textContent = title;
  byId("ask-credits").hidden = !wantsCredits;
  credits.required = Boolean(wantsCredits);
  credits.value = reason.value = "";
  dialog.returnValue = "cancel";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () =>
    resolve(dialog.returnValue === "ok" ? { credits: Number(credits.value), reason: reason.value } : null), { once: true }));
}

// Light and dark: as the system is, until the button is pressed.

const system = matchMedia("(prefers-color-scheme: dark)");

function theme(isDark) {
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
  byId("theme").setAttribute("aria-pressed", String(isDark));
  drawAll();
}

byId("theme").addEventListener("click", () => theme(document.documentElement.dataset.theme !== "dark"));
system.addEventListener("change", () => theme(system.matches));
theme(system.matches);
lastDays(30);
