// Purchases in money, of one user or of all: what was paid, returned and disputed, with the payment at Stripe.

import { call } from "./api.js";
import { answerPlace, run } from "./answers.js";
import { actor } from "./actor.js";
import { paged } from "./lists.js";
import { el, fill, moment, number, table, usd, userLink } from "./show.js";

const STATES = {
  open: "not paid yet", pending: "payment on its way", paid: "paid", refunded: "refunded", disputed_lost: "lost to a dispute",
  failed: "failed", expired: "not paid in time",
};

const section = () => document.getElementById("purchases");

let lastRequest = 0; // the response to an earlier one is not shown

// The purchases of these days, in one state or all.
export function showPurchases(from, to, confirm, afterAction) {
  const place = answerPlace();
  const state = el("select", { name: "state" }, el("option", { value: "" }, "all"),
    Object.entries(STATES).map(([value, label]) => el("option", { value }, label)));
  const box = el("div");
  const act = actor(confirm, place, () => refresh(), afterAction);

  async function refresh() {
    const request = (lastRequest += 1);
    box.replaceChildren(); // what is shown is of the state and the days that were chosen
    const path = `admin/purchases?from=${from}&to=${to}${state.value ? `&state=${state.value}` : ""}`;
    const page = await call("GET", `${path}&limit=50`);
    if (request !== lastRequest) return;
    box.replaceChildren(paged(path, page, "purchases", (rows) => [byDay(rows), payments("Purchases on these days", rows, act, { withUser: true })]));
  }

  state.addEventListener("change", () => run(refresh, place));
  fill(section(), el("div", { class: "card" }, el("div", { class: "row start" }, el("label", {}, "State", state), place.element), box));
  return run(refresh, place);
}

function byDay(purchases) {
  const days = new Map();
  for (const purchase of purchases) {
    const day = purchase.created_at.slice(0, 10);
    const sums = days.get(day) ?? { day, count: 0, paid: 0, returned: 0, disputed: 0 };
    sums.count += 1;
    if (purchase.credits_added > 0) sums.paid += purchase.cents;
    sums.returned += purchase.cents_returned;
    sums.disputed += sum(purchase.disputes.filter((dispute) => dispute.state === "open"));
    days.set(day, sums);
  }
  return table("By day, of the purchases shown below", [
    ["Day", (row) => row.day],
    ["Purchases", (row) => number(row.count), true],
    ["Paid", (row) => money(row.paid), true],
    ["Returned since", (row) => money(row.returned), true],
    ["Disputed now", (row) => money(row.disputed), true],
  ], [...days.values()], "");
}

const sum = (items) => items.reduce((total, item) => total + item.cents, 0);
const money = (cents) => usd(cents * 1e4);

export function payments(caption, purchases, act, { withUser }) {
  const user = [["User", (row) => userLink(row.user_id)]];
  return table(caption, [
    ["When", (row) => moment(row.created_at)],
    ...(withUser ? user : []),
    ["Amount", (row) => money(row.cents), true],
    ["Credits", (row) => number(row.credits), true],
    ["State", (row) => (row.is_disputed ? el("strong", { class: "bad" }, "disputed") : STATES[row.state] ?? row.state)],
    ["Returned", (row) => (row.cents_returned ? money(row.cents_returned) : "–"), true],
    ["Payment", (row) => (row.payment_url
      ? el("a", { href: row.payment_url, target: "_blank", rel: "noreferrer" }, "at Stripe")
      : "–")],
    ["Purchase", (row) => el("code", {}, row.purchase_id)],
    ["Refund", (row) => (row.refundable_cents ? refundButton(row, act) : "–")],
  ], purchases, "No purchase was made.");
}

function refundButton(purchase, act) {
  const most = money(purchase.refundable_cents);
  const text = `${money(purchase.cents)} were paid, ${most} can be refunded. Stripe returns the money and keeps its fee; the credits that it bought are taken back.`;
  return el("button", { type: "button", onclick: () => act(
    { title: `Refund of ${most} or less`, text, verb: "Refund", wantsDollars: true, mostCents: purchase.refundable_cents, then: "The credits are taken back once Stripe reports it." },
    "POST", `admin/purchases/${encodeURIComponent(purchase.purchase_id)}/refund`,
    (input) => ({ reason: input.reason, ...(input.cents ? { cents: input.cents } : {}) })) }, "Refund…");
}
