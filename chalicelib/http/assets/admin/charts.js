// Charts over days, drawn by uPlot; beside each one its figures as a table, for whoever reads or hears them instead.

import { el, table } from "./show.js";

const HEIGHT = 240;
const DAY_SECONDS = 86_400;
const WHOLE = [...Array(16).keys()].flatMap((power) => [1, 2, 5].map((first) => first * 10 ** power)); // steps of an axis
const dayAndMonth = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const drawn = new Set();

// `series`: [{label, values, color and fill (CSS variables), isBars}]; `text`, `axisText`: how a value is written
export function chart(title, days, series, text, axisText = text) {
  const box = el("div", { class: "chart", "aria-hidden": "true" });
  const columns = [["Day", (n) => days[n]], ...series.map((one) => [one.label, (n) => text(one.values[n]), true])];
  const figures = el("details", {}, el("summary", {}, "Figures as a table"),
    table(title, columns, days.map((_, n) => n), ""));
  const figure = el("figure", { class: "card" }, el("figcaption", {}, title), box, figures);
  drawn.add({ box, days, series, text, axisText, plot: null });
  return figure;
}

export function forgetAll() {
  for (const one of drawn) one.plot?.destroy();
  drawn.clear();
}

export function drawAll() {
  for (const one of drawn) draw(one);
}

function draw(one) {
  one.plot?.destroy();
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(name).trim();
  const axis = { stroke: color("--quiet"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false } };
  const data = [one.days.map((day) => Date.parse(`${day}T00:00:00Z`) / 1000), ...one.series.map((s) => s.values)];
  const isCounted = one.series.every((s) => s.values.every(Number.isInteger));
  one.plot = new uPlot({
    width: Math.max(200, one.box.clientWidth),
    height: HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
    cursor: { drag: { x: false, y: false } },
    // Half a day on each side, so that the first and the last bar are whole.
    scales: { x: { range: (_, first, last) => [first - DAY_SECONDS / 2, last + DAY_SECONDS / 2] }, y: { range: (_, low, high) => [Math.min(0, low ?? 0), Math.max(high ?? 1, low === high ? 1 : 0) * 1.08 || 1] } },
    axes: [
      { ...axis, space: 64, incrs: [1, 2, 5, 7, 14, 30, 60, 90].map((count) => count * DAY_SECONDS),
        values: (_, ticks) => ticks.map((seconds) => dayAndMonth.format(seconds * 1000)) },
      { ...axis, size: 60, ...(isCounted ? { incrs: WHOLE } : {}), values: (_, ticks) => ticks.map(one.axisText) },
    ],
    legend: { markers: { width: 0, fill: (plot, n) => plot.series[n].stroke(plot, n) } },
    series: [
      { label: "Day", value: (_, seconds) => (seconds === null ? "" : new Date(seconds * 1000).toISOString().slice(0, 10)) },
      ...one.series.map((s) => ({
        label: s.label,
        stroke: color(s.color),
        width: 2,
        fill: s.fill ? color(s.fill) : s.isBars ? color(s.color) : undefined,
        paths: s.isBars ? uPlot.paths.bars({ size: [0.7, 40] }) : undefined,
        points: { show: one.days.length < 15 && !s.isBars },
        value: (_, value) => (value === null || value === undefined ? "" : one.text(value)),
      })),
    ],
  }, data, one.box);
}

let width = 0;
new ResizeObserver(() => {
  if (document.body.clientWidth !== width) requestAnimationFrame(drawAll);
  width = document.body.clientWidth;
}).observe(document.body);
