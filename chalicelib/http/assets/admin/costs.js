// Money, usage and open holds: what GET analytics/costs tells.

import { chart, drawAll, forgetAll } from "./charts.js";
import { axisUsd, el, fill, minutes, moment, number, table, usd } from "./show.js";

const SERVICES = { live: "Live", catchup: "Catch-up", catchup_session: "Catch-up of a session", ask: "Questions" };
const named = (service) => SERVICES[service] ?? service;

export function showCosts(costs) {
  forgetAll();
  const days = costs.days.map((day) => day.date);
  const series = (label, color, value, isBars) => ({ label, color, isBars, values: costs.days.map(value) });
  document.getElementById("figures").replaceChildren(...headline(costs));
  fill(document.getElementById("money"),
    el("div", { class: "charts" },
      chart("Revenue, costs and margin a day", days, [
        { ...series("Revenue", "--a", (day) => day.sums.revenue_micro_usd), fill: "--a-soft" },
        series("Providers", "--b", (day) => day.sums.provider_cost_micro_usd),
        series("Payment fees", "--c", (day) => day.sums.payment_fees_micro_usd),
        series("Margin", "--d", (day) => day.sums.margin_micro_usd),
      ], usd, axisUsd),
      models(costs)));
  fill(document.getElementById("usage"),
    el("div", { class: "charts" },
      chart("Minutes by service", days, costs.services.filter((one) => one.service !== "ask").map((one, n) =>
        series(named(one.service), ["--a", "--b", "--c", "--d"][n % 4], (day) =>
          Math.round((day.services.find((its) => its.service === one.service)?.seconds ?? 0) / 6) / 10)), number),
      chart("Active users a day", days, [series("Active users", "--a", (day) => day.active_users, true)], number)),
    services(costs), seconds(costs.live_seconds));
  holds(costs.holds);
  drawAll();
}

function headline(costs) {
  const { totals, outstanding, live_seconds: live } = costs;
  const figure = (label, value, more, isBad) =>
    el("div", { class: isBad ? "figure bad" : "figure" }, el("dt", {}, label), el("dd", {}, value), el("dd", { class: "quiet" }, more));
  return [el("dl", {},
    figure("Revenue", usd(totals.revenue_micro_usd), `${number(totals.credits_sold)} credits sold, ${number(totals.credits_taken_back)} taken back`),
    figure("Provider cost", usd(totals.provider_cost_micro_usd), `${minutes(totals.seconds)} of audio`),
    figure("Payment fees", usd(totals.payment_fees_micro_usd), "as the price file has them"),
    figure("Margin", usd(totals.margin_micro_usd), percent(totals), totals.margin_micro_usd < 0),
    figure("Owed to users", number(outstanding.credits), `credits, worth ${usd(outstanding.liability_cents * 1e4)} at most`),
    figure("Credits used", number(totals.credits_used), `in ${number(totals.uses)} uses`),
    figure("Free credits given", number(totals.credits_given), "to new users and by administrators"),
    figure("Reported by clients", minutes(live.client_reported_seconds),
      `${minutes(live.billed_seconds)} billed for the same sessions`, live.client_reported_seconds > live.billed_seconds * 1.1 + 60),
  ), el("p", { class: "quiet" }, costs.counted_until ? `Counted until ${moment(costs.counted_until)}.` :
    "Nothing has been counted yet. Figures appear here seconds after the first use or purchase.")];
}

const percent = ({ margin_micro_usd: margin, revenue_micro_usd: revenue }) =>
  revenue > 0 ? `${Math.round((margin / revenue) * 100)} % of revenue` : "no revenue in these days";

const some = (value) => (value ? number(value) : "–");

function models(costs) {
  const most = Math.max(1, ...costs.models.map((one) => one.cost_micro_usd));
  const bar = (one) => {
    const made = el("span", { class: "bar", "aria-hidden": "true" });
    made.style.inlineSize = `${Math.max(1, (one.cost_micro_usd / most) * 100)}%`;
    return made;
  };
  const sorted = [...costs.models].sort((one, other) => other.cost_micro_usd - one.cost_micro_usd);
  return el("div", { class: "card" }, table("Cost by model", [
    ["Model", (one) => el("span", { class: "model" }, `${one.provider}/${one.model}`, bar(one))],
    ["Cost", (one) => usd(one.cost_micro_usd), true],
    ["Service", (one) => named(one.service)],
    ["Uses", (one) => number(one.uses), true],
    ["Minutes", (one) => some(one.seconds / 60), true],
    ["Tokens", (one) => some(one.input_tokens + one.output_tokens), true],
  ], sorted, "No model was used in these days."));
}

function services(costs) {
  return el("div", { class: "card" }, table("What services cost, and what their credits are worth", [
    ["Service", (one) => named(one.service)],
    ["Uses", (one) => number(one.uses), true],
    ["Minutes", (one) => number(one.seconds / 60), true],
    ["Credits", (one) => number(one.credits), true],
    ["Cost", (one) => usd(one.cost_micro_usd), true],
    ["Worth at least", (one) => usd(one.value_micro_usd), true],
  ], costs.services, "No service was used in these days."));
}

function seconds(live) {
  const text = live.sessions === 0
    ? "No extension reported its provider's seconds in these days."
    : `${number(live.sessions)} sessions reported ${number(live.client_reported_seconds)} s of provider time; ` +
      `${number(live.billed_seconds)} s of them were billed: a difference of ${number(live.difference_seconds)} s.`;
  return el("p", { class: "card" }, text);
}

function holds(held) {
  const said = `${number(held.count)}${held.is_complete ? "" : " or more"} holds of ${number(held.credits)} credits; ` +
    `${number(held.overdue)} overdue.`;
  fill(document.getElementById("holds"), el("div", { class: "card" }, el("p", { class: held.overdue ? "bad" : "" }, said),
    table("The oldest open holds", [
      ["Kind", (one) => one.kind],
      ["User", (one) => el("code", {}, one.user_id)],
      ["Credits", (one) => number(one.credits), true],
      ["Since", (one) => moment(one.made_at)],
      ["Ends by", (one) => (one.due_at ? moment(one.due_at) : "when the bank has decided")],
      ["Standing", (one) => (one.is_overdue ? el("strong", { class: "bad" }, "overdue") : "in time")],
    ], held.open, "Nobody is using anything at this moment.")));
}
