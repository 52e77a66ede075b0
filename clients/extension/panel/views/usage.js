/** What the credits were used for: by service and by day. */
import { locale, text } from "../../common/i18n.js";
import { h } from "../elements.js";
import { choice } from "../forms.js";
import { day, dayCount, duration, number } from "../format.js";
import { credits, emptyState, loadInto } from "../notices.js";

const DAYS = [7, 30, 90];
const SERVICES = { live: "service_live", relay: "service_live", catchup: "service_catchup", catchup_session: "service_catchup_session", ask: "service_ask" };

export function usageView(app) {
  const place = h("div", { "aria-live": "polite" });
  const show = (days) => void loadInto(app, place, (signal) => app.client.credits.usage(lastDays(days, new Date()), { signal }), contentOf);
  const options = DAYS.map((days) => [String(days), dayCount(days, locale())]);
  const range = choice({ label: text("usage_range"), name: "days", options, value: "30", onchange: (days) => show(Number(days)) });
  const element = h("div", { class: "usage" }, range, place);
  show(30);
  return { title: text("usage_title"), element, back: "/credits" };
}

/** The range of the last days, today included, as the API counts days (UTC). */
export function lastDays(days, now) {
  const from = new Date(now.getTime() - (days - 1) * 86_400_000);
  return { from: from.toISOString().slice(0, 10), to: now.toISOString().slice(0, 10) };
}

function contentOf({ totals, services, days }) {
  if (totals.uses === 0) return emptyState("chart", text("usage_empty_title"), text("usage_empty"));
  const used = services.filter(({ uses }) => uses > 0);
  return [
    h("div", { class: "usage-total" }, h("p", { class: "balance-number" }, credits(totals.credits)), h("p", { class: "quiet" }, duration(totals.seconds, locale()))),
    h("h2", { class: "section-title" }, text("usage_services")),
    h("ul", { class: "services" }, used.map((service) => serviceOf(service, totals))),
    h("h2", { class: "section-title" }, text("usage_by_day")),
    dayTable(days),
  ];
}

function serviceOf({ service, credits: used, seconds }, totals) {
  const bar = h("span", { class: "bar" });
  bar.style.setProperty("--part", String(totals.credits > 0 ? used / totals.credits : 0));
  const facts = [credits(used), seconds > 0 && duration(seconds, locale())].filter(Boolean);
  return h(
    "li",
    {},
    h("span", { class: "row-title" }, SERVICES[service] ? text(SERVICES[service]) : service),
    h("span", { class: "row-facts" }, facts.map((fact) => h("span", {}, fact))),
    bar,
  );
}

function dayTable(days) {
  const most = Math.max(...days.map(({ credits: used }) => used), 1);
  const rows = days
    .filter(({ uses }) => uses > 0)
    .reverse()
    .map(({ date, credits: used }) => {
      const bar = h("span", { class: "bar" });
      bar.style.setProperty("--part", String(used / most));
      return h("tr", {}, h("th", { scope: "row" }, day(date, locale())), h("td", { class: "bar-cell" }, bar), h("td", { class: "figure" }, number(used, locale())));
    });
  return h(
    "table",
    { class: "days" },
    h("caption", { class: "visually-hidden" }, text("usage_by_day")),
    h("thead", { class: "visually-hidden" }, h("tr", {}, h("th", { scope: "col" }, text("usage_day")), h("td", {}), h("th", { scope: "col" }, text("credits_title")))),
    h("tbody", {}, rows),
  );
}

