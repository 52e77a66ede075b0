// Money, usage and open holds, from GET analytics/costs.

import { chart, drawCharts, removeCharts } from "./charts.js";
import { axisUsd, counted, el, fill, minutes, moment, number, table, usd, userLink } from "./show.js";

const SERVICES = { live: "Live", catchup: "Catch-up", catchup_session: "Catch-up of a session", ask: "Questions" };
const serviceName = (service) => SERVICES[service] ?? service;

export function showCosts(costs) {
  removeCharts();
  const days = costs.days.map((day) => day.date);
  const series = (label, color, value, isBars) => ({ label, color, isBars, values: costs.days.map(value) });
  document.getElementById("figures").replaceChildren(...figures(costs));
  fill(document.getElementById("money"),
    el("div", { class: "charts" },
      chart("Revenue, costs and margin per day", days, [
        { ...series("Revenue", "--a", (day) => day.totals.revenue_micro_usd), fill: "--a-soft" },
        series("Providers", "--b", (day) => day.totals.provider_cost_micro_usd),
        series("Payment fees", "--c", (day) => day.totals.payment_fees_micro_usd),
        series("Margin", "--d", (day) => day.totals.margin_micro_usd),
      ], usd, axisUsd),
      modelTable(costs)));
  fill(document.getElementById("usage"),
    el("div", { class: "charts" },
      chart("Minutes by service", days, costs.services.filter((service) => service.service !== "ask").map((service, n) =>
        series(serviceName(service.service), ["--a", "--b", "--c", "--d"][n % 4], (day) =>
          Math.round((day.services.find((cost) => cost.service === service.service)?.seconds ?? 0) / 6) / 10)), number),
      chart("Active users per day", days, [series("Active users", "--a", (day) => day.active_users, true)], number)),
    serviceTable(costs), liveSeconds(costs.live_seconds));
  showHolds(costs.holds);
  drawCharts();
}

// No figures of other days stand under days that could not be loaded.
export function clearCosts(message) {
  removeCharts();
  document.getElementById("figures").replaceChildren(el("p", { class: "bad" }, message));
  for (const id of ["money", "usage", "holds"]) fill(document.getElementById(id), el("p", { class: "bad" }, message));
}

function figures(costs) {
  const { totals, outstanding, live_seconds: live } = costs;
  const figure = (label, value, more, isBad) =>
    el("div", { class: isBad ? "figure bad" : "figure" }, el("dt", {}, label), el("dd", {}, value), el("dd", { class: "quiet" }, more));
  return [el("dl", {},
    figure("Revenue", usd(totals.revenue_micro_usd), `${counted(totals.credits_sold, "credit")} sold, ${number(totals.credits_taken_back)} taken back`),
    figure("Provider cost", usd(totals.provider_cost_micro_usd), `${minutes(totals.seconds)} of audio`),
    figure("Payment fees", usd(totals.payment_fees_micro_usd), "by the rates in the price file"),
    figure("Margin", usd(totals.margin_micro_usd), percent(totals), totals.margin_micro_usd < 0),
    figure("Owed to users", number(outstanding.credits), `${outstanding.credits === 1 ? "credit" : "credits"}, worth ${usd(outstanding.liability_cents * 1e4)} at most`),
    figure("Credits used", number(totals.credits_used), `in ${counted(totals.uses, "use")}`),
    figure("Free credits granted", number(totals.credits_given), "to new users and by administrators"),
    figure("Reported by clients", minutes(live.client_reported_seconds),
      `${minutes(live.billed_seconds)} billed for these ${counted(live.sessions, "session")}`, live.client_reported_seconds > live.billed_seconds * 1.1 + 60),
  ), el("p", { class: "quiet" }, costs.counted_until ? `Counted until ${moment(costs.counted_until)}.` :
    "No entry has been counted yet. Figures appear here seconds after the first use or purchase.")];
}

const percent = ({ margin_micro_usd: margin, revenue_micro_usd: revenue }) =>
  revenue > 0 ? `${Math.round((margin / revenue) * 100)}% of revenue` : "no revenue on these days";

const numberOrDash = (value) => (value ? number(value) : "–");

function modelTable(costs) {
  const highest = Math.max(1, ...costs.models.map((model) => model.cost_micro_usd));
  const bar = (model) => {
    const element = el("span", { class: "bar", "aria-hidden": "true" });
    element.style.inlineSize = `${Math.max(1, (model.cost_micro_usd / highest) * 100)}%`;
    return element;
  };
  const sorted = [...costs.models].sort((a, b) => b.cost_micro_usd - a.cost_micro_usd);
  return el("div", { class: "card" }, table("Cost by model", [
    ["Model", (row) => el("span", { class: "model" }, `${row.provider}/${row.model}`, bar(row))],
    ["Cost", (row) => usd(row.cost_micro_usd), true],
    ["Service", (row) => serviceName(row.service)],
    ["Uses", (row) => number(row.uses), true],
    ["Minutes", (row) => numberOrDash(row.seconds / 60), true],
    ["Tokens", (row) => numberOrDash(row.input_tokens + row.output_tokens), true],
  ], sorted, "No model was used on these days."));
}

function serviceTable(costs) {
  return el("div", { class: "card" }, table("Cost of services, and the value of their credits", [
    ["Service", (row) => serviceName(row.service)],
    ["Uses", (row) => number(row.uses), true],
    ["Minutes", (row) => number(row.seconds / 60), true],
    ["Credits", (row) => number(row.credits), true],
    ["Cost", (row) => usd(row.cost_micro_usd), true],
    ["Value (at least)", (row) => usd(row.value_micro_usd), true],
  ], costs.services, "No service was used on these days."));
}

function liveSeconds(live) {
  const implausible = live.implausible_sessions === 0 ? "" :
    ` ${counted(live.implausible_sessions, "session")} reported more seconds than there were ` +
    `(${number(live.implausible_seconds)} s) and ${live.implausible_sessions === 1 ? "is" : "are"} left out.`;
  const text = live.sessions === 0
    ? "No extension reported the seconds of its provider on these days."
    : `${counted(live.sessions, "session")} reported ${number(live.client_reported_seconds)} s of provider time and ` +
      `${live.sessions === 1 ? "was" : "were"} billed for ${number(live.billed_seconds)} s: a difference of ${number(live.difference_seconds)} s. ` +
      "A session is billed from its start to its stop, and a socket may open later, close earlier, or stay open for longer.";
  return el("p", { class: "card" }, text + implausible);
}

function showHolds(holds) {
  const count = holds.is_complete ? counted(holds.count, "hold") : `${number(holds.count)} or more holds`;
  const summary = `${count} of ${counted(holds.credits, "credit")}; ${number(holds.overdue)} overdue.`;
  fill(document.getElementById("holds"), el("div", { class: "card" }, el("p", { class: holds.overdue ? "bad" : "" }, summary),
    table("The oldest open holds", [
      ["Kind", (row) => row.kind],
      ["User", (row) => userLink(row.user_id)],
      ["Credits", (row) => number(row.credits), true],
      ["Since", (row) => moment(row.made_at)],
      ["Ends by", (row) => (row.due_at ? moment(row.due_at) : "when the bank decides")],
      ["State", (row) => (row.is_overdue ? el("strong", { class: "bad" }, "overdue") : "on time")],
    ], holds.open, "No hold is open.")));
}
