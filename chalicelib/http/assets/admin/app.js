// The page: signing in, the days shown, and what goes wrong, in words.

import { call, isSignedIn, signIn, signOut, wholeFile } from "./api.js";
import { drawAll } from "./charts.js";
import { showCosts } from "./costs.js";
import { showAudit, showUsers } from "./people.js";

const DAY_MS = 86_400_000;
const byId = (id) => document.getElementById(id);
const range = byId("range").elements;

let newest = 0; // which question about costs was the last: an answer to an earlier one is not shown

// Do `work`; what it gives is said in the status line, what goes wrong is said in words. `true` if nothing did.
async function run(work) {
  forgive();
  byId("status").textContent = "Working…";
  document.body.setAttribute("aria-busy", "true");
  let said = "";
  try {
    said = (await work()) ?? "";
    return true;
  } catch (error) {
    say(error);
    if (error.status === 0 || error.status === 429 || error.status >= 500) offer(work, error.retryAfterSeconds ?? 0);
    return false;
  } finally {
    document.body.removeAttribute("aria-busy");
    byId("status").textContent = said;
  }
}

function say(error) {
  if (error.status === undefined) console.error(error);
  const isSignedOut = error.status === 401 && isSignedIn();
  if (isSignedOut) leave();
  const words = isSignedOut ? "Your sign-in has ended: sign in again." : error.message;
  const advice = error.code === "forbidden" ? " This dashboard is for accounts in the group admins." : "";
  byId("notice").textContent = error.status === undefined
    ? "Something went wrong on this page. Reload it."
    : `${words}${advice} (${error.code})`;
}

function forgive() {
  byId("notice").textContent = "";
  byId("retry").hidden = true;
  byId("retry").onclick = null;
}

// The same work again, not sooner than the API wishes.
function offer(work, seconds) {
  const button = byId("retry");
  const mine = () => run(work);
  button.hidden = false;
  button.onclick = mine;
  const count = (left) => {
    if (button.onclick !== mine) return;
    button.disabled = left > 0;
    button.textContent = left > 0 ? `Try again in ${left} s` : "Try again";
    if (left > 0) setTimeout(count, 1000, left - 1);
  };
  count(Math.ceil(seconds));
}

// Signing in

byId("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { email, password } = event.target.elements;
  if (await run(() => signIn(email.value, password.value))) {
    password.value = "";
    await run(enter);
  }
});

async function enter() {
  try {
    await load();
  } catch (error) {
    if (error.status === 403) signOut();
    throw error;
  }
  byId("sign-in").hidden = true;
  byId("dashboard").hidden = byId("sign-out").hidden = false;
  drawAll();
  byId("main").focus({ preventScroll: true });
  showUsers(run, ask);
  await showAudit(run);
  return shown();
}

function leave() {
  signOut();
  newest += 1;
  if (byId("ask").open) byId("ask").close("cancel");
  byId("sign-in").hidden = false;
  byId("dashboard").hidden = byId("sign-out").hidden = true;
  for (const section of document.querySelectorAll("#dashboard section")) {
    for (const part of [...section.children].slice(1)) part.remove();
  }
  byId("figures").replaceChildren();
  byId("sign-in").elements.email.focus();
}

byId("sign-out").addEventListener("click", () => {
  forgive();
  leave();
});

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

const shown = () => `Shown: ${range.from.value} to ${range.to.value}, UTC.`;

async function load() {
  const mine = (newest += 1);
  const costs = await call("GET", `analytics/costs?${asked()}`);
  if (mine === newest) showCosts(costs);
  return shown();
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

const dialog = byId("ask");
const { credits, reason } = dialog.querySelector("form").elements;
let answer = () => {};

function ask({ title, text, verb, wantsCredits = false }) {
  answer(null); // A browser tells later that the dialog was closed: it may have been opened again by then.
  byId("ask-title").textContent = title;
  byId("ask-text").textContent = text;
  byId("ask-ok").textContent = verb;
  byId("ask-credits").hidden = !wantsCredits;
  credits.required = wantsCredits;
  credits.value = reason.value = "";
  dialog.returnValue = "cancel";
  dialog.showModal();
  (wantsCredits ? credits : reason).focus();
  return new Promise((resolve) => { answer = resolve; });
}

dialog.addEventListener("close", () => {
  if (!dialog.open) answer(dialog.returnValue === "ok" ? { credits: Number(credits.value), reason: reason.value } : null);
});
byId("ask-cancel").addEventListener("click", () => dialog.close("cancel"));

// Light and dark: as the system is, until the button is pressed, which names what it leads to.

const system = matchMedia("(prefers-color-scheme: dark)");

function theme(isDark) {
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
  byId("theme").textContent = isDark ? "Light" : "Dark";
  drawAll();
}

byId("theme").addEventListener("click", () => theme(document.documentElement.dataset.theme !== "dark"));
system.addEventListener("change", () => theme(system.matches));
theme(system.matches);
lastDays(30);
