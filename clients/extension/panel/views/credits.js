/** The balance and buying credits: Stripe's page opens in a tab, and this page waits until the purchase is paid. */
import { locale, text } from "../../common/i18n.js";
import { openCheckout } from "../checkout.js";
import { button, fill, h, icon } from "../elements.js";
import { isAborted } from "../errors.js";
import { duration, minutesOf, money, number } from "../format.js";
import { credits, errorBox, loadInto, noticeBox } from "../notices.js";

export function creditsView(app) {
  const signal = app.signal();
  const balance = h("section", { class: "balance", "aria-labelledby": "balance-title" });
  const status = h("div", { class: "purchase", "aria-live": "polite" });
  const packages = h("div", {});
  const usage = h("a", { href: "#/usage", class: "row-link card" }, icon("chart"), h("span", { class: "row-text" }, text("usage_title")), icon("forward"));
  const element = h("div", { class: "credits" }, balance, status, h("h2", { class: "section-title" }, text("credits_buy_title")), packages, usage);

  app.followBalance((current) => fill(balance, balanceOf(app, current)));
  void app.refreshBalance().catch((error) => {
    app.noticeError(error);
    if (!signal.aborted && !app.balance) fill(balance, errorBox(app, error, { retry: () => void app.show() }));
  });
  void loadInto(app, packages, () => app.client.credits.packages({ signal }), (offers) => h("ul", { class: "packages" }, offers.map(offerOf)));
  return { title: text("credits_title"), element };

  function offerOf(offer) {
    const minutes = minutesOf(offer.credits, app.creditsPerMinute);
    const price = money(offer.cents, offer.currency, locale());
    return h(
      "li",
      {},
      h(
        "button",
        { type: "button", class: "package", onclick: () => void buy(offer) },
        h("strong", {}, credits(offer.credits)),
        h("span", { class: "small" }, minutes ? text("credits_package_minutes", duration(minutes * 60, locale())) : ""),
        h("span", { class: "package-price", dir: "ltr" }, price),
      ),
    );
  }

  async function buy(offer) {
    const controller = new AbortController();
    signal.addEventListener("abort", () => controller.abort());
    const stop = button(text("credits_stop_waiting"), () => controller.abort());
    packages.inert = true;
    fill(status, noticeBox("info", text("credits_opening")));
    try {
      const purchase = await app.client.credits.buy({
        packageId: offer.id,
        signal: controller.signal,
        open: async (url) => {
          await openCheckout(url);
          fill(status, noticeBox("info", text("credits_waiting"), h("progress", { "aria-label": text("credits_waiting_label") }), stop));
        },
        onPaid: (paid) => {
          fill(status, noticeBox("success", text("credits_thanks", credits(paid.credits_added))));
          void app.refreshBalance().catch(() => undefined);
        },
      });
      if (purchase.credits_added === 0) fill(status, noticeBox("warning", text("error_purchase_ended")));
    } catch (error) {
      if (signal.aborted) return;
      app.noticeError(error);
      const stopped = isAborted(error) && noticeBox("info", text("credits_stopped_waiting"));
      fill(status, stopped || errorBox(app, error, { retry: () => void buy(offer) }));
    } finally {
      packages.inert = false;
    }
  }
}

/** What a person has is `available + held`: what a running session holds is still theirs. */
function balanceOf({ creditsPerMinute }, balance) {
  const title = h("h2", { id: "balance-title" }, text("credits_balance"));
  if (!balance) return [title, h("p", { class: "balance-number" }, h("span", { class: "bone" }))];
  const total = balance.available + balance.held;
  const minutes = minutesOf(total, creditsPerMinute);
  return [
    title,
    h("p", { class: "balance-number" }, number(total, locale())),
    minutes !== undefined && h("p", {}, text("credits_minutes", duration(minutes * 60, locale()))),
    balance.held > 0 && h("p", { class: "small" }, text("credits_held", credits(balance.held))),
    total <= 0 && noticeBox("warning", text("start_no_credits")),
  ];
}
