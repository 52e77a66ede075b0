// Charts by day, drawn by uPlot, each with its figures as a table for people who use a screen reader.

import { el, table } from "./show.js";

const HEIGHT = 240;
const DAY_SECONDS = 86_400;
const WHOLE_STEPS = [...Array(16).keys()].flatMap((power) => [1, 2, 5].map((first) => first * 10 ** power)); // of an axis
const dayAndMonth = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const charts = new Set();

// `series`: [{label, values, color and fill (CSS variables), isBars}]; `text`, `axisText`: format a value
export function chart(title, days, series, text, axisText = text) {
  const box = el("div", { class: "chart", "aria-hidden": "true" });
  const columns = [["Day", (n) => days[n]], ...series.map((line) => [line.label, (n) => text(line.values[n]), true])];
  const figures = el("details", {}, el("summary", {}, "Figures as a table"),
    table(title, columns, days.map((_, n) => n), ""));
  const figure = el("figure", { class: "card" }, el("figcaption", {}, title), box, figures);
  charts.add({ box, days, series, text, axisText, plot: null });
  return figure;
}

export function removeCharts() {
  for (const chart of charts) chart.plot?.destroy();
  charts.clear();
}

export function drawCharts() {
  for (const chart of charts) draw(chart);
}

function draw(chart) {
  chart.plot?.destroy();
  chart.plot = null;
  if (chart.box.clientWidth === 0) return; // of a view that is not shown: it is drawn when it is
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(name).trim();
  const axis = { stroke: color("--quiet"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false } };
  const dated = [chart.days.map((day) => Date.parse(`${day}T00:00:00Z`) / 1000), ...chart.series.map((s) => s.values)];
  const data = chart.days.length === 1 ? withNeighbors(dated) : dated;
  const isWhole = chart.series.every((s) => s.values.every(Number.isInteger));
  chart.plot = new uPlot({
    width: Math.max(200, chart.box.clientWidth),
    height: HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
    cursor: { drag: { x: false, y: false } },
    // Half a day on each side, so that the first and the last bar are whole.
    scales: { x: { range: (_, first, last) => [first - DAY_SECONDS / 2, last + DAY_SECONDS / 2] }, y: { range: (_, low, high) => [Math.min(0, low ?? 0), Math.max(high ?? 1, low === high ? 1 : 0) * 1.08 || 1] } },
    axes: [
      { ...axis, space: 64, incrs: [1, 2, 5, 7, 14, 30, 60, 90].map((count) => count * DAY_SECONDS),
        values: (_, ticks) => ticks.map((seconds) => (dated[0].length > 1 || seconds === dated[0][0] ? dayAndMonth.format(seconds * 1000) : "")) },
      { ...axis, size: 60, ...(isWhole ? { incrs: WHOLE_STEPS } : {}), values: (_, ticks) => ticks.map(chart.axisText) },
    ],
    hooks: { ready: [showLastDay], setLegend: [showLastDay] },
    legend: { markers: { width: 0, fill: (plot, n) => plot.series[n].stroke(plot, n) } },
    series: [
      { label: "Day", value: (_, seconds) => (seconds === null ? "" : new Date(seconds * 1000).toISOString().slice(0, 10)) },
      ...chart.series.map((s) => ({
        label: s.label,
        stroke: color(s.color),
        width: 2,
        fill: s.fill ? color(s.fill) : s.isBars ? color(s.color) : undefined,
        paths: s.isBars ? uPlot.paths.bars({ size: [0.7, 40] }) : undefined,
        points: { show: chart.days.length < 15 && !s.isBars },
        value: (_, value) => (value === null || value === undefined ? "" : chart.text(value)),
      })),
    ],
  }, data, chart.box);
}

// uPlot puts a single day at the edge, whatever the range is: between two days without figures it is in the middle.
function withNeighbors(data) {
  const [[day], ...values] = data;
  return [[day - DAY_SECONDS, day, day + DAY_SECONDS], ...values.map(([value]) => [null, value, null])];
}

// While no day with figures is pointed at, the legend has those of the last one, whose date it names.
function showLastDay(plot) {
  const [days, ...values] = plot.data;
  const hasFigures = (n) => values.some((column) => typeof column[n] === "number");
  if (!hasFigures(plot.legend.idx)) plot.setLegend({ idx: days.findLastIndex((_, n) => hasFigures(n)) }, false);
}

let width = 0;
new ResizeObserver(() => {
  if (document.body.clientWidth !== width) requestAnimationFrame(drawCharts);
  width = document.body.clientWidth;
}).observe(document.body);
