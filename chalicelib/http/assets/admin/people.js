// Users and the audit: what administrators look after.

import { call, isSignedIn } from "./api.js";
import { counted, el, fill, moment, number, table, usd } from "./show.js";

const AUDIT_LOOK_MS = 2_000;

// The audit

export async function showAudit(run) {
  const state = el("p", { role: "status", class: "quiet" });
  const recount = el("input", { type: "checkbox" });
  const found = el("div");
  const start = el("button", { type: "button", class: "primary", onclick: () => run(async () => {
    await call("POST", "admin/audit", { recount: recount.checked });
    await look();
  }) }, "Start an audit");

  // How far it is; looks again by itself while one runs, and quietly.
  async function look() {
    const { report, running, actions } = await call("GET", "admin/audit");
    start.disabled = Boolean(running);
    state.textContent = running ? `An audit is running: ${counted(running.users_judged, "user")} judged so far.` : "";
    found.replaceChildren(
      report ? reportOf(report) : el("p", { class: "empty" }, "No audit has ended yet. Start one: it reads every account and mends nothing."),
      topUsers(report), actsOf(actions));
    if (running) setTimeout(() => isSignedIn() && found.isConnected && look().catch(() => run(look)), AUDIT_LOOK_MS);
  }

  fill(document.getElementById("audit"), el("div", { class: "row start" }, start,
    el("label", { class: "check" }, recount, "also count movements that the running sums missed")), state, found);
  await look();
}

function actsOf(actions) {
  return el("div", { class: "card" }, table("What administrators did", [
    ["When", (one) => moment(one.at)],
    ["Who", (one) => one.admin],
    ["What", (one) => one.action.replaceAll("_", " ")],
    ["User", (one) => el("code", {}, one.user_id)],
    ["Reason", (one) => one.reason],
    ["Before", (one) => standing(one.before)],
    ["After", (one) => standing(one.after)],
  ], actions, "No administrator gave or took credits, or blocked anybody, lately. What you do under Users is listed here."));
}

const standing = (was) => Object.entries(was).map(([name, value]) => `${name}: ${value}`).join(", ");

function reportOf(report) {
  const isGood = report.status === "done" && report.findings_count === 0;
  return el("div", { class: "card" },
    el("p", { class: isGood ? "good" : "bad" }, isGood
      ? `Every credit is accounted for: ${counted(report.users_judged, "user")}, ${counted(report.entries, "movement")}, no finding.`
      : `${report.status === "failed" ? "This audit got no further and proved nothing: the log says why. " : ""}` +
        `${counted(report.findings_count, "finding")} among ${counted(report.users_judged, "user")}.`),
    el("p", { class: "quiet" }, `Ended ${moment(report.ended_at)}. ${number(report.users_moving)} users were too busy to be judged. ` +
      `${number(report.open_holds)} open holds, ${number(report.purchases)} purchases, ${number(report.credits_outstanding)} credits outstanding. ` +
      `Active users: ${number(report.active_users.day)} in a day, ${number(report.active_users.week)} in a week, ${number(report.active_users.month)} in thirty days.`),
    report.findings.length ? table("Findings", [
      ["Kind", (one) => one.kind],
      ["What", (one) => one.message],
      ["User", (one) => el("code", {}, one.user_id ?? "")],
      ["Reference", (one) => el("code", {}, one.reference ?? "")],
    ], report.findings, "") : null);
}

function topUsers(report) {
  return el("div", { class: "card" }, table("Who used most, in the thirty days before the audit", [
    ["User", (one) => el("code", {}, one.user_id)],
    ["Credits", (one) => number(one.credits_used), true],
    ["Cost", (one) => usd(one.provider_cost_micro_usd), true],
    ["Revenue", (one) => usd(one.revenue_cents * 1e4), true],
  ], report?.top_users ?? [], report ? "Nobody used anything in the thirty days before the audit." : "An audit finds them: start one."));
}

// Users

export function showUsers(run, ask) {
  const found = el("div", { "aria-live": "polite" });
  const form = el("form", { class: "row", role: "search" },
    el("label", { class: "grow" }, "How the email begins, or a user id; empty: everybody", el("input", { name: "word", maxlength: "128" })),
    el("button", { class: "primary" }, "Find"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(() => find(form.elements.word.value.trim(), found, run, ask));
  });
  fill(document.getElementById("users"), el("div", { class: "card" }, form, found));
}

async function find(word, found, run, ask, cursor = "") {
  const isId = /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(word);
  const asked = new URLSearchParams(word ? { [isId ? "user_id" : "email"]: word } : {});
  if (cursor) asked.set("cursor", cursor);
  const page = await call("GET", `admin/users?${asked}`);

  // One question, one key: trying again after a lost answer does nothing twice.
  const act = (label, question, path, body) => el("button", { type: "button", onclick: async (event) => {
    const place = [...found.querySelectorAll("button")].indexOf(event.currentTarget);
    const said = await ask(question);
    if (!said) return;
    const key = crypto.randomUUID();
    await run(async () => {
      await call("POST", path, body(said), { "Idempotency-Key": key });
      await find(word, found, run, ask, cursor);
      found.querySelectorAll("button")[place]?.focus();
      return `Done: ${question.title}.`;
    });
  } }, label);

  found.replaceChildren(table("Users found", [
    ["Email", (one) => one.email],
    ["Name", (one) => one.name ?? ""],
    ["User", (one) => el("code", {}, one.user_id)],
    ["Since", (one) => moment(one.created_at)],
    ["Available", (one) => number(one.available), true],
    ["Held", (one) => number(one.held), true],
    ["Given", (one) => number(one.lifetime_granted), true],
    ["Bought", (one) => number(one.lifetime_purchased), true],
    ["Used", (one) => number(one.lifetime_used), true],
    ["Standing", (one) => (one.is_blocked ? el("strong", { class: "bad" }, "blocked") : one.is_confirmed ? "good" : "unconfirmed")],
    ["Do", (one) => el("span", { class: "row" }, credits(one, act), standingOf(one, act))],
  ], page.users, "Nobody was found. An email is found by its beginning, a user by the whole id."),
  page.next_cursor ? el("button", { type: "button", onclick: () => run(() => find(word, found, run, ask, page.next_cursor)) }, "Next page") : "");
  return `${counted(page.users.length, "user")}${page.next_cursor ? " on this page" : ""} found.`;
}

function credits(user, act) {
  const text = `They have ${number(user.available)} now. What you do is written down with your name and the reason.`;
  return act("Credits…", { title: `Credits for ${user.email}`, text, verb: "Change credits", wantsCredits: true },
    "admin/credits", (said) => ({ user_id: user.user_id, credits: said.credits, reason: said.reason }));
}

function standingOf(user, act) {
  const [verb, text] = user.is_blocked
    ? ["Unblock", "They may use the service again from now on."]
    : ["Block", "Every call of theirs is refused from now on; what runs is ended when its lease is over."];
  return act(`${verb}…`, { title: `${verb} ${user.email}`, text, verb },
    `admin/users/${encodeURIComponent(user.user_id)}/${verb.toLowerCase()}`, (said) => ({ reason: said.reason }));
}
