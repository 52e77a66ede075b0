// Users and the audit: what administrators look after.

import { call } from "./api.js";
import { el, fill, moment, number, table, usd } from "./show.js";

const AUDIT_LOOK_MS = 2000;

// The audit

export async function showAudit(run) {
  const { report, running, actions } = await call("GET", "admin/audit");
  const start = el("button", { type: "button", class: "primary", disabled: Boolean(running), onclick: () => run(async () => {
    await call("POST", "admin/audit", {});
    await showAudit(run);
  }) }, running ? "An audit is running" : "Start an audit");
  fill(document.getElementById("audit"), el("div", { class: "card" }, start,
    running ? el("p", { role: "status" }, `${number(running.users_judged)} users judged so far.`) : null,
    report ? reportOf(report) : el("p", { class: "empty" }, "No audit has ended yet. Start one: it reads every account and changes nothing.")),
  report ? topUsers(report) : [],
  el("div", { class: "card" }, table("What administrators did", [
    ["When", (one) => moment(one.at)],
    ["Who", (one) => one.admin],
    ["What", (one) => one.action.replaceAll("_", " ")],
    ["User", (one) => el("code", {}, one.user_id)],
    ["Reason", (one) => one.reason],
    ["Before → after", (one) => `${JSON.stringify(one.before)} → ${JSON.stringify(one.after)}`],
  ], actions, "Nobody gave or took credits, or blocked anybody, in the last twelve months.")));
  if (running) setTimeout(() => run(() => showAudit(run)), AUDIT_LOOK_MS);
}

function reportOf(report) {
  const isGood = report.findings_count === 0;
  return el("div", {},
    el("p", { class: isGood ? "good" : "bad" }, isGood
      ? `Every credit is accounted for: ${number(report.users_judged)} users, ${number(report.entries)} movements, no finding.`
      : `${number(report.findings_count)} findings among ${number(report.users_judged)} users.`),
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
  return el("div", { class: "card" }, table("Who used most in thirty days", [
    ["User", (one) => el("code", {}, one.user_id)],
    ["Credits", (one) => number(one.credits_used), true],
    ["Cost", (one) => usd(one.provider_cost_micro_usd), true],
    ["Revenue", (one) => usd(one.revenue_cents * 1e4), true],
  ], report.top_users, "Nobody used anything in the last thirty days."));
}

// Users

export function showUsers(run, ask) {
  const found = el("div", { "aria-live": "polite" });
  const form = el("form", { class: "row" },
    el("label", {}, "Beginning of the email, or a user id ", el("input", { name: "word", required: true, maxlength: "128" })),
    el("button", { class: "primary" }, "Find"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(() => find(form.elements.word.value.trim(), found, run, ask));
  });
  fill(document.getElementById("users"), el("div", { class: "card" }, form, found));
}

async function find(word, found, run, ask, cursor = "") {
  const isId = /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(word);
  const more = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
  const page = await call("GET", `admin/users?${isId ? "user_id" : "email"}=${encodeURIComponent(word)}${more}`);
  const again = () => find(word, found, run, ask, cursor);
  const act = (label, title, path, body, wantsCredits) => el("button", { type: "button", onclick: () => run(async () => {
    const said = await ask(title, wantsCredits);
    if (!said) return;
    await call("POST", path, body(said), { "Idempotency-Key": crypto.randomUUID() });
    await again();
  }) }, label);
  found.replaceChildren(table("Users found", [
    ["Email", (one) => one.email],
    ["Name", (one) => one.name ?? ""],
    ["User", (one) => el("code", {}, one.user_id)],
    ["Since", (one) => moment(one.created_at)],
    ["Available", (one) => number(one.available), true],
    ["Held", (one) => number(one.held), true],
    ["Bought", (one) => number(one.lifetime_purchased), true],
    ["Used", (one) => number(one.lifetime_used), true],
    ["", (one) => (one.is_blocked ? el("strong", { class: "bad" }, "blocked") : one.is_confirmed ? "" : "unconfirmed")],
    ["", (one) => el("span", { class: "row" },
      act("Credits…", `Credits for ${one.email}`, "admin/credits",
        (said) => ({ user_id: one.user_id, credits: said.credits, reason: said.reason }), true),
      act(one.is_blocked ? "Unblock…" : "Block…", `${one.is_blocked ? "Unblock" : "Block"} ${one.email}`,
        `admin/users/${encodeURIComponent(one.user_id)}/${one.is_blocked ? "unblock" : "block"}`,
        (said) => ({ reason: said.reason })))],
  ], page.users, "Nobody was found. An email is found by its beginning."),
  page.next_cursor ? el("button", { type: "button", onclick: () => run(() => find(word, found, run, ask, page.next_cursor)) }, "Next page") : "");
}
