// One user whole, at #/users/<id>: credits, money, work and what administrators did. Never a word of the user.

import { call } from "./api.js";
import { actor } from "./actor.js";
import { answerPlace, run } from "./answers.js";
import { paged } from "./lists.js";
import { payments } from "./payments.js";
import { actionTable, counted, el, fill, moment, number, table, usd } from "./show.js";

const section = () => document.getElementById("user");

let shown = ""; // the user whose page was opened last: what comes late for another one is not shown

export function showUser(userId, confirm, afterAction) {
  shown = userId;
  const place = answerPlace();
  const path = `admin/users/${encodeURIComponent(userId)}`;
  const act = actor(confirm, place, () => load(userId, path, place, act), afterAction);
  fill(section(), el("p", { class: "empty" }, "Reading…"));
  document.getElementById("user-title").focus({ preventScroll: true });
  return run(async () => {
    try {
      await load(userId, path, place, act);
    } catch (error) {
      if (shown === userId) fill(section(), el("div", { class: "card" }, el("p", { class: "empty" }, "This user could not be read."), place.element));
      throw error;
    }
  }, place);
}

async function load(userId, path, place, act) {
  const [user, sold, transactions, sessions] = await Promise.all([
    call("GET", path), call("GET", `${path}/purchases?limit=20`), call("GET", `${path}/transactions?limit=20`), call("GET", `${path}/sessions?limit=20`)]);
  if (shown !== userId) return;
  fill(section(),
    el("div", { class: "card" }, head(user), figures(user), el("div", { class: "row" }, ...buttons(user, act), place.element)),
    el("div", { class: "card" }, holds(user)),
    el("div", { class: "card" }, paged(`${path}/purchases`, sold, "purchases", (rows) => payments("Purchases", rows, act, { withUser: false }))),
    el("div", { class: "card" }, paged(`${path}/transactions`, transactions, "transactions", statement)),
    el("div", { class: "card" }, paged(`${path}/sessions`, sessions, "sessions", work)),
    el("div", { class: "card" }, actionTable("What administrators did to this user", user.actions, "No administrator did anything to this user since this list is kept.")));
}

function head(user) {
  const state = user.is_blocked ? el("strong", { class: "bad" }, "blocked") : user.is_confirmed ? "active" : "unconfirmed";
  return [el("h3", {}, user.email), el("p", { class: "quiet" }, user.name ? `${user.name} · ` : "", el("code", {}, user.user_id),
    ` · since ${moment(user.created_at)} · `, state)];
}

function figures(user) {
  const { figures: month } = user;
  const figure = (label, value, more = "") =>
    el("div", { class: "figure" }, el("dt", {}, label), el("dd", {}, value), el("dd", { class: "quiet" }, more));
  return el("div", { class: "figures" }, el("dl", {},
    figure("Available", number(user.available), user.available < 0 ? "below zero: nothing can be started" : "credits"),
    figure("Held", number(user.held), user.open_disputes ? counted(user.open_disputes, "open dispute") : "for work that runs"),
    figure("Bought", number(user.lifetime_purchased), "credits, less what was taken back"),
    figure("Granted", number(user.lifetime_granted), "free and by administrators"),
    figure("Used", number(user.lifetime_used), `${number(month.credits_used)} in 30 days`),
    figure("Revenue, 30 days", usd(month.revenue_cents * 1e4), "paid less returned"),
    figure("Cost, 30 days", usd(month.provider_cost_micro_usd), `${counted(month.uses, "use")}, fees ${usd(month.payment_fees_micro_usd)}`),
    figure("Margin, 30 days", usd(month.margin_micro_usd), `${month.from} to ${month.to}`)));
}

function buttons(user, act) {
  const verb = user.is_blocked ? "Unblock" : "Block";
  const consequence = user.is_blocked
    ? "The user can use the service again at once."
    : "Every call of the user is refused at once; a running session stops when its lease has expired.";
  return [
    el("button", { type: "button", onclick: () => act(
      { title: `Credits for ${user.email}`, text: `${counted(user.available, "credit")} available now. The change is recorded with your name and the reason.`, verb: "Change credits", wantsCredits: true },
      "POST", "admin/credits", (input) => ({ user_id: user.user_id, credits: input.credits, reason: input.reason })) }, "Credits…"),
    el("button", { type: "button", onclick: () => act(
      { title: `${verb} ${user.email}`, text: consequence, verb },
      "POST", `admin/users/${encodeURIComponent(user.user_id)}/${verb.toLowerCase()}`, (input) => ({ reason: input.reason })) }, `${verb}…`),
  ];
}

function holds(user) {
  const kinds = { session: "A live session", dispute: "A dispute of a payment", work: "Catch-ups and questions" };
  return table("What holds credits now", [
    ["Held by", (row) => kinds[row.kind]],
    ["Credits", (row) => number(row.credits), true],
    ["Session or purchase", (row) => el("code", {}, row.reference ?? "")],
  ], user.holds, "Nothing holds credits of this user.");
}

function statement(rows) {
  return table("Statement", [
    ["When", (row) => moment(row.at)],
    ["Credits", (row) => (row.credits > 0 ? `+${number(row.credits)}` : number(row.credits)), true],
    ["What", (row) => el("span", { class: "wide" }, row.explanation)],
    ["Money", (row) => (row.cents ? usd(row.cents * 1e4) : "–"), true],
    ["Reference", (row) => el("code", {}, row.session_id || row.job_id || row.purchase_id || "")],
  ], rows, "No credit has moved yet.");
}

function work(rows) {
  return table("Sessions and catch-ups", [
    ["Started", (row) => moment(row.started_at)],
    ["Kind", (row) => (row.kind === "live" ? "Live" : "Catch-up")],
    ["State", (row) => row.state],
    ["Seconds", (row) => number(row.seconds), true],
    ["Credits", (row) => number(row.credits_used), true],
    ["Session or transcript", (row) => el("code", {}, row.session_id || row.transcript_id)],
  ], rows, "No session and no catch-up, or their transcripts were deleted.");
}
