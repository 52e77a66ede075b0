// The audit, and what administrators did.

import { call, isSignedIn } from "./api.js";
import { answerPlace, run } from "./answers.js";
import { actionTable, counted, el, fill, moment, number, table, usd, userLink } from "./show.js";

const AUDIT_POLL_MS = 2_000;

let refresh = async () => {};

// Reads the audit and the actions again, such as after an action.
export const refreshAudit = () => refresh();

export async function showAudit() {
  const state = el("p", { role: "status", class: "quiet" });
  const place = answerPlace();
  const recount = el("input", { type: "checkbox" });
  const results = el("div");
  const start = el("button", { type: "button", class: "primary", onclick: () => run(async () => {
    await call("POST", "admin/audit", { recount: recount.checked });
    await refresh();
  }, place) }, "Start an audit");

  // Shows the progress, and keeps polling while an audit runs. What cannot be read is not shown as it was.
  refresh = async () => {
    let audit;
    try {
      audit = await call("GET", "admin/audit");
    } catch (error) {
      state.textContent = "";
      results.replaceChildren(el("p", { class: "bad" }, "The audit and the actions of administrators could not be read."));
      throw error;
    }
    const { report, running, actions } = audit;
    start.disabled = Boolean(running);
    state.textContent = running ? `An audit is running: ${counted(running.users_checked, "user")} checked so far.` : "";
    results.replaceChildren(
      report ? reportCard(report) : el("p", { class: "empty" }, "No audit has ended yet. Start one: it reads every account and changes nothing."),
      topUsers(report),
      el("div", { class: "card" }, actionTable("Actions of administrators", actions,
        "No actions yet. Changes of credits, refunds and blocked accounts are listed here.", [["User", (row) => userLink(row.user_id)]])));
    if (running) setTimeout(() => isSignedIn() && results.isConnected && refresh().catch(() => run(refresh, place)), AUDIT_POLL_MS);
  };

  fill(document.getElementById("audit"), el("div", { class: "row start" }, start,
    el("label", { class: "check" }, recount, "also count entries that the totals have missed"), place.element), state, results);
  await run(refresh, place);
}

function reportCard(report) {
  const isEmpty = report.status === "done" && report.findings_count === 0 && report.users_checked === 0;
  const isGood = report.status === "done" && report.findings_count === 0 && !isEmpty;
  return el("div", { class: "card" },
    el("p", { class: isGood ? "good" : isEmpty ? "" : "bad" }, isEmpty
      ? "This audit checked no user, so it proves nothing. Start another one."
      : isGood
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
