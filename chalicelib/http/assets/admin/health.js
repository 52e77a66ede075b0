// What failed lately and what needs the owner, from GET admin/health.

import { call } from "./api.js";
import { answerPlace, run } from "./answers.js";
import { counted, el, fill, moment, number, table, usd, userLink } from "./show.js";

const WEBHOOKS = { stripe: "Stripe", assemblyai: "AssemblyAI" };
const section = () => document.getElementById("health");
const line = () => document.getElementById("attention");

// Loads the report for the view and for the line at the top, which says first what needs the owner.
export async function loadHealth() {
  const place = answerPlace();
  const again = el("button", { type: "button", onclick: () => run(loadHealth, place) }, "Check again");
  try {
    const health = await call("GET", "admin/health");
    showLine(health.attention);
    fill(section(), el("div", { class: "row start" }, again, place.element), ...cards(health));
    return `Checked ${moment(health.checked_at)}.`;
  } catch (error) {
    showLine([{ about: "health", message: "Health could not be read." }]);
    fill(section(), el("div", { class: "row start" }, again, place.element), unread("Health"));
    throw error;
  }
}

export function clearHealth() {
  line().hidden = true;
  line().replaceChildren();
}

function showLine(items) {
  line().hidden = items.length === 0;
  line().replaceChildren(el("strong", {}, `${counted(items.length, "thing")} ${items.length === 1 ? "needs" : "need"} you: `),
    items.map((item) => item.message).join(" "), " ", el("a", { href: "#/health" }, "See Health"));
}

function cards(health) {
  return [
    attentionCard(health.attention),
    card("Webhooks", health.webhooks, webhooks),
    card("Dead letters", health.dead_letters, deadLetters),
    card("Stuck", health.stuck, stuck),
    card("Failed jobs", health.failed_jobs, (rows) => counts("Failed jobs, by hour", rows, "Job", "No job failed in fourteen days.", { hasJob: true })),
    card("Providers", health.provider_failures, (rows) => counts("Failures of providers, by hour", rows, "Provider", "No provider failed in fourteen days.")),
    card("Limits met", health.limits, (rows) => counts("Limits met, by hour", rows, "Limit", "No limit was met in fourteen days.", { times: "Minutes" })),
    card("Margin", health.margin, margin),
    card("Alarms", health.alarms, alarms),
  ];
}

// A part that could not be read is never shown as good.
const card = (title, part, show) =>
  el("div", { class: "card" }, el("h3", {}, title), part === null ? unread(title) : show(part));

const unread = (title) => el("p", { class: "bad" }, `${title}: could not be read. Nothing is known of it.`);

function attentionCard(items) {
  return el("div", { class: "card" }, el("h3", {}, "Needs you"), items.length === 0
    ? el("p", { class: "good" }, "Nothing needs you now.")
    : el("ul", {}, items.map((item) => el("li", { class: "bad" }, item.message))));
}

function webhooks({ applied, refused }) {
  return el("div", {},
    applied.map(({ webhook, at }) => el("p", {}, `Last applied from ${WEBHOOKS[webhook] ?? webhook}: ${at ? moment(at) : "none in fourteen days"}.`)),
    counts("Webhooks refused, by hour", refused, "From", "No webhook was refused in fourteen days."));
}

function deadLetters({ count, waiting, command }) {
  const text = count === 0 ? "No dead letter." : `${counted(count, "dead letter")}: work that failed for good, until you send it back.`;
  return el("div", {}, el("p", { class: count ? "bad" : "good" }, text),
    el("p", { class: "quiet" }, `${counted(waiting, "job")} in the queue. This lists the dead letters, and with --send-back processes them again:`),
    el("pre", { tabindex: "0", role: "region", "aria-label": "Command for dead letters" }, el("code", {}, command)));
}

function stuck({ holds_overdue: holds, purchases_stuck: purchases, is_complete: isComplete }) {
  const more = isComplete ? "" : " There are too many to count all of them.";
  return el("div", {},
    el("p", { class: holds || purchases ? "bad" : isComplete ? "good" : "" }, holds || purchases
      ? `${counted(holds, "hold")} overdue, ${counted(purchases, "purchase")} open after the checkout has expired.${more}`
      : `Nothing is stuck: no hold is overdue, and no purchase is open after its checkout has expired.${more}`),
    holds ? el("p", {}, el("a", { href: "#/holds" }, "See the open holds")) : null);
}

function margin(value) {
  const share = value.percent === null ? "no revenue" : `${number(value.percent)}% of revenue`;
  return el("p", { class: value.is_below ? "bad" : "" },
    `${value.from} to ${value.to}: ${usd(value.margin_micro_usd)}, ${share}. ` +
    `${value.is_below ? "Below" : "Not below"} the set ${number(value.lowest_percent)}%.`);
}

function alarms(rows) {
  const raised = rows.filter((row) => row.state === "ALARM").length;
  return el("div", {}, rows.length ? el("p", { class: raised ? "bad" : "good" }, raised ? `${counted(raised, "alarm")} raised.` : "No alarm is raised.") : null,
    table("Alarms", [
      ["Alarm", (row) => row.name],
      ["State", (row) => el("strong", { class: row.state === "ALARM" ? "bad" : "" }, stateText(row.state))],
      ["Since", (row) => moment(row.since)],
      ["What it means", (row) => el("span", { class: "model" }, row.description)],
    ], rows, "This stage has no alarms: they are made where it is deployed."));
}

const stateText = (state) => ({ OK: "good", ALARM: "raised", INSUFFICIENT_DATA: "no data" })[state] ?? state;

function counts(caption, rows, subject, emptyText, { hasJob = false, times = "Times" } = {}) {
  return table(caption, [
    ["Hour", (row) => moment(row.hour)],
    [subject, (row) => WEBHOOKS[row.subject] ?? row.subject],
    ["Reason", (row) => el("span", { class: "model" }, row.reason.replaceAll("_", " "))],
    [times, (row) => (row.count >= 100 ? "100 or more" : number(row.count)), true],
    ["Last", (row) => moment(row.last_at)],
    ...(hasJob ? [["Last job", (row) => el("code", {}, row.reference)], ["User", (row) => userLink(row.user_id)]] : []),
  ], rows, emptyText);
}
