// The audit, the actions of administrators, and users.

import { call, isSignedIn } from "./api.js";
import { actionTable, counted, el, fill, moment, number, table, usd, userLink } from "./show.js";

const AUDIT_POLL_MS = 2_000;

// The audit

export async function showAudit(run) {
  const state = el("p", { role: "status", class: "quiet" });
  const recount = el("input", { type: "checkbox" });
  const results = el("div");
  const start = el("button", { type: "button", class: "primary", onclick: () => run(async () => {
    await call("POST", "admin/audit", { recount: recount.checked });
    await refresh();
  }) }, "Start an audit");

  // Shows the progress, and keeps polling while an audit runs.
  async function refresh() {
    const { report, running, actions } = await call("GET", "admin/audit");
    start.disabled = Boolean(running);
    state.textContent = running ? `An audit is running: ${counted(running.users_checked, "user")} checked so far.` : "";
    results.replaceChildren(
      report ? reportCard(report) : el("p", { class: "empty" }, "No audit has ended yet. Start one: it reads every account and changes nothing."),
      topUsers(report),
      el("div", { class: "card" }, actionTable("Actions of administrators", actions,
        "No actions yet. Changes of credits, refunds and blocked accounts are listed here.", [["User", (row) => userLink(row.user_id)]])));
    if (running) setTimeout(() => isSignedIn() && results.isConnected && refresh().catch(() => run(refresh)), AUDIT_POLL_MS);
  }

  fill(document.getElementById("audit"), el("div", { class: "row start" }, start,
    el("label", { class: "check" }, recount, "also count entries that the totals have missed")), state, results);
  await refresh();
}

function reportCard(report) {
  const isGood = report.status === "done" && report.findings_count === 0;
  return el("div", { class: "card" },
    el("p", { class: isGood ? "good" : "bad" }, isGood
      ? `Every credit is accounted for: ${counted(report.users_checked, "user")}, ${counted(report.entries, "entry", "entries")}, no findings.`
      : `${report.status === "failed" ? "This audit stopped making progress, so it proved nothing: the log says why. " : ""}` +
        `${counted(report.findings_count, "finding")} among ${counted(report.users_checked, "user")}.`),
    el("p", { class: "quiet" }, `Ended ${moment(report.ended_at)}. Skipped because their books kept changing: ${counted(report.users_moving, "user")}. ` +
      `${counted(report.open_holds, "open hold")}, ${counted(report.purchases, "purchase")}, ${counted(report.credits_outstanding, "credit")} outstanding. ` +
      `Active users: ${number(report.active_users.day)} in one day, ${number(report.active_users.week)} in seven days, ${number(report.active_users.month)} in thirty days.`),
    report.findings.length ? table("Findings", [
      ["Kind", (row) => row.kind],
      ["Problem", (row) => row.message],
      ["User", (row) => (row.user_id ? userLink(row.user_id) : "")],
      ["Reference", (row) => el("code", {}, row.reference ?? "")],
    ], report.findings, "") : null);
}

function topUsers(report) {
  return el("div", { class: "card" }, table("Users with the most usage in the thirty days before the audit", [
    ["User", (row) => userLink(row.user_id)],
    ["Credits", (row) => number(row.credits_used), true],
    ["Cost", (row) => usd(row.provider_cost_micro_usd), true],
    ["Revenue", (row) => usd(row.revenue_cents * 1e4), true],
  ], report?.top_users ?? [], report ? "No usage in the thirty days before the audit." : "Start an audit to see them."));
}

// Users

export function showUsers(run, confirm) {
  const results = el("div", { "aria-live": "polite" });
  const form = el("form", { class: "row", role: "search" },
    el("label", { class: "grow" }, "Start of the email address, or a user id. Leave empty to list all users", el("input", { name: "search", maxlength: "128" })),
    el("button", { class: "primary" }, "Find"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(() => find(form.elements.search.value.trim(), results, run, confirm));
  });
  fill(document.getElementById("users"), el("div", { class: "card" }, form, results));
}

async function find(text, results, run, confirm, cursor = "") {
  const isId = /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(text);
  const query = new URLSearchParams(text ? { [isId ? "user_id" : "email"]: text } : {});
  if (cursor) query.set("cursor", cursor);
  const page = await call("GET", `admin/users?${query}`);

  // One key per confirmed dialog: a retry after a lost response changes nothing twice.
  const actionButton = (label, dialog, path, body) => el("button", { type: "button", onclick: async (event) => {
    const position = [...results.querySelectorAll("button")].indexOf(event.currentTarget);
    const input = await confirm(dialog);
    if (!input) return;
    const key = crypto.randomUUID();
    await run(async () => {
      await call("POST", path, body(input), { "Idempotency-Key": key });
      await find(text, results, run, confirm, cursor);
      results.querySelectorAll("button")[position]?.focus();
      return `Done: ${dialog.title}.`;
    });
  } }, label);

  results.replaceChildren(table("Users found", [
    ["Email", (row) => userLink(row.user_id, row.email)],
    ["Name", (row) => row.name ?? ""],
    ["User", (row) => el("code", {}, row.user_id)],
    ["Created", (row) => moment(row.created_at)],
    ["Available", (row) => number(row.available), true],
    ["Held", (row) => number(row.held), true],
    ["Granted", (row) => number(row.lifetime_granted), true],
    ["Bought", (row) => number(row.lifetime_purchased), true],
    ["Used", (row) => number(row.lifetime_used), true],
    ["State", (row) => (row.is_blocked ? el("strong", { class: "bad" }, "blocked") : row.is_confirmed ? "active" : "unconfirmed")],
    ["Actions", (row) => el("span", { class: "row" }, creditsButton(row, actionButton), blockButton(row, actionButton))],
  ], page.users, "No user was found. Enter the start of an email address, or a whole user id."),
  page.next_cursor ? el("button", { type: "button", onclick: () => run(() => find(text, results, run, confirm, page.next_cursor)) }, "Next page") : "");
  return `${counted(page.users.length, "user")}${page.next_cursor ? " on this page" : ""} found.`;
}

function creditsButton(user, actionButton) {
  const text = `${counted(user.available, "credit")} available now. The change is recorded with your name and the reason.`;
  return actionButton("Credits…", { title: `Credits for ${user.email}`, text, verb: "Change credits", wantsCredits: true },
    "admin/credits", (input) => ({ user_id: user.user_id, credits: input.credits, reason: input.reason }));
}

function blockButton(user, actionButton) {
  const [verb, text] = user.is_blocked
    ? ["Unblock", "The user can use the service again at once."]
    : ["Block", "Every call of the user is refused at once; a running session stops when its lease has expired."];
  return actionButton(`${verb}…`, { title: `${verb} ${user.email}`, text, verb },
    `admin/users/${encodeURIComponent(user.user_id)}/${verb.toLowerCase()}`, (input) => ({ reason: input.reason }));
}
