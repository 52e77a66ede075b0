// Purchases in money, of one user or of all: what was paid, returned and disputed, with the payment at Stripe.

import { call } from "./api.js";
import { paged } from "./lists.js";
import { el, fill, moment, table, usd, userLink } from "./show.js";

const STATES = {
  open: "not paid yet", pending: "payment on its way", paid: "paid", refunded: "refunded", disputed_lost: "lost to a dispute",
  failed: "failed", expired: "not paid in time",
};

// The purchases of the days shown, in one state or all.
export async function showSales(days, run, confirm) {
  const answer = el("p", { role: "status", class: "answer" });
  const state = el("select", { name: "state" }, el("option", { value: "" }, "all"),
    Object.entries(STATES).map(([value, label]) => el("option", { value }, label)));
  const box = el("div");

  async function act(dialog, method, path, body) {
    const input = await confirm(dialog);
    if (!input) return;
    const key = crypto.randomUUID();
    await run(async () => {
      try {
        await call(method, path, body(input), { "Idempotency-Key": key });
        await refresh();
        answer.className = "answer good";
        answer.textContent = `Done: ${dialog.title}. The credits are taken back once Stripe reports it.`;
      } catch (error) {
        answer.className = "answer bad";
        answer.textContent = `${error.message} (${error.code})`;
        throw error;
      }
    });
  }

  async function refresh() {
    const path = `admin/purchases?${days}${state.value ? `&state=${state.value}` : ""}`;
    const page = await call("GET", `${path}&limit=50`);
    box.replaceChildren(paged(path, page, "purchases", (rows) => [byDay(rows), payments("Purchases on these days", rows, act, { withUser: true })]));
  }

  state.addEventListener("change", () => run(refresh));
  fill(document.getElementById("sales"), el("div", { class: "card" },
    el("div", { class: "row start" }, el("label", {}, "State", state)), answer, box));
  await refresh();
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
    ["Purchases", (row) => String(row.count), true],
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
    ["Credits", (row) => String(row.credits), true],
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
    { title: `Refund of ${most} or less`, text, verb: "Refund", wantsDollars: true, mostCents: purchase.refundable_cents },
    "POST", `admin/purchases/${encodeURIComponent(purchase.purchase_id)}/refund`,
    (input) => ({ reason: input.reason, ...(input.cents ? { cents: input.cents } : {}) })) }, "Refund…");
}
