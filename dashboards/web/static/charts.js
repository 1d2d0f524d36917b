// Pictures with axes: a line over time, and stacked columns over days. Drawn at the real width of
// their box, so that text keeps its size; a cursor follows the pointer or the arrow keys.

import { el, svg } from "./dom.js";
import * as format from "./format.js";

const HEIGHT = 240;
const MARGIN = { top: 14, right: 14, bottom: 28, left: 46 };

/** Round steps from 0 to at least `top`: [0, 20, 40, 60]. */
function ticks(top, wanted = 4) {
  if (top <= 0) return [0, 1];
  const rough = top / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, [1, 2, 2.5, 5, 10].find((one) => one * power >= rough) * power);
  const count = Math.ceil(top / step);
  return Array.from({ length: count + 1 }, (_, i) => i * step);
}

/** Milliseconds between labels: a step people count in, at most `most` of them. */
function roundStep(moments, most) {
  const whole = moments.at(-1) - moments[0];
  const minutes = [1, 5, 10, 15, 30, 60, 120, 360, 720, 1440].map((one) => one * 60000);
  return minutes.find((one) => whole / one <= most) ?? minutes.at(-1);
}

/** The frame both charts share: y axis, cursor, tooltip, keyboard. `draw` fills it. */
function frame(box, label, draw) {
  const picture = svg("svg", { class: "chart", height: HEIGHT, role: "img", tabindex: 0 });
  const tip = el("div", { class: "tip", role: "status", hidden: true });
  box.replaceChildren(picture, tip);
  box.classList.add("has-chart");
  let scene = null; // {xs, left(i), describe(i)} of what is drawn now
  let at = null; // index under the cursor

  function point(index) {
    at = index === null || !scene?.count ? null : Math.max(0, Math.min(scene.count - 1, index));
    picture.querySelector(".cursor")?.remove();
    tip.hidden = at === null;
    if (at === null) return;
    const x = scene.x(at);
    picture.append(
      svg("g", { class: "cursor" },
        svg("line", { x1: x, x2: x, y1: MARGIN.top, y2: HEIGHT - MARGIN.bottom }),
        scene.marks?.(at) ?? null),
    );
    tip.replaceChildren(...scene.describe(at));
    const beside = x + 14 + tip.offsetWidth > box.clientWidth ? x - 14 - tip.offsetWidth : x + 14;
    tip.style.left = `${Math.max(0, beside)}px`;
  }

  picture.addEventListener("pointermove", (event) => {
    const x = event.clientX - picture.getBoundingClientRect().left;
    point(scene?.nearest(x) ?? null);
  });
  picture.addEventListener("pointerleave", () => point(null));
  picture.addEventListener("blur", () => point(null));
  picture.addEventListener("focus", () => {
    if (picture.matches(":focus-visible") && scene) point(scene.count - 1);
  });
  picture.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (event.key === "Escape") point(null);
    if (step === undefined || !scene) return;
    event.preventDefault();
    point(Math.max(0, Math.min(scene.count - 1, (at ?? scene.count) + step)));
  });

  let content = null;
  function redraw() {
    if (!content || !box.clientWidth) return;
    picture.setAttribute("width", box.clientWidth);
    picture.replaceChildren();
    scene = draw(picture, box.clientWidth, content);
    picture.setAttribute("aria-label", `${label}. ${scene.summary}`);
    if (at !== null) point(at);
  }
  let width = 0;
  new ResizeObserver(() => {
    if (box.clientWidth !== width) redraw();
    width = box.clientWidth;
  }).observe(box);
  return (next) => {
    content = next;
    redraw();
  };
}

function yAxis(picture, width, top) {
  const steps = ticks(top);
  const highest = steps.at(-1);
  const y = (value) => MARGIN.top + (HEIGHT - MARGIN.top - MARGIN.bottom) * (1 - value / highest);
  for (const step of steps) {
    picture.append(
      svg("line", { class: step ? "grid" : "base", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(step), y2: y(step) }),
      svg("text", { class: "axis", x: MARGIN.left - 8, y: y(step) + 4, "text-anchor": "end" }, format.axisNumber(step)),
    );
  }
  return y;
}

const row = (swatch, name, value) =>
  el("div", { class: "tip-row" }, swatch ? el("i", { class: `swatch ${swatch}` }) : null,
    el("span", {}, name), el("b", {}, value));

/** `time` and one or more numbers per row; the newest point is still growing and drawn hollow. */
export function timeseries(box, panel) {
  return frame(box, panel.title, (picture, width, { columns, rows }) => {
    const time = columns.indexOf("time");
    const series = columns.map((_, i) => i).filter((i) => i !== time);
    const top = Math.max(0, ...rows.flatMap((one) => series.map((i) => one[i] ?? 0)));
    const y = yAxis(picture, width, top);
    const inner = width - MARGIN.left - MARGIN.right;
    const x = (i) => MARGIN.left + (rows.length > 1 ? (inner * i) / (rows.length - 1) : inner / 2);
    const isClose = (i) => back(i) * (inner / Math.max(1, rows.length - 1)) < 52;
    const back = (i) => rows.length - 1 - i;
    const step = roundStep(rows.map((one) => Date.parse(one[time])), inner / 70);
    rows.forEach((one, i) => {
      const last = back(i) === 0;
      if (!last && (isClose(i) || Date.parse(one[time]) % step)) return;
      picture.append(svg("text", { class: "axis", x: last ? x(i) + 8 : x(i), y: HEIGHT - 8, "text-anchor": last ? "end" : "middle" }, format.minute(one[time])));
    });
    const path = (i, to) => rows.slice(0, to).map((one, k) => `${k ? "L" : "M"}${x(k).toFixed(1)},${y(one[i] ?? 0).toFixed(1)}`).join("");
    series.forEach((i, k) => {
      if (!rows.length) return;
      const done = Math.max(1, rows.length - 1);
      if (series.length === 1) {
        picture.append(svg("path", { class: "area", d: `${path(i, done)}L${x(done - 1)},${y(0)}L${x(0)},${y(0)}Z` }));
      }
      const last = rows.length - 1;
      picture.append(svg("path", { class: `line c${k + 1}`, d: path(i, done) }));
      if (last > 0) {
        picture.append(svg("path", { class: `line growing c${k + 1}`, d: `M${x(last)},${y(0)}V${y(rows[last][i])}` }));
      }
      picture.append(svg("circle", { class: `dot c${k + 1}`, cx: x(last), cy: y(rows[last][i]), r: 4 }));
    });
    const total = series.map((i) => rows.reduce((sum, one) => sum + (one[i] ?? 0), 0));
    return {
      count: rows.length,
      x,
      nearest: (at) => Math.round(((at - MARGIN.left) / inner) * (rows.length - 1)),
      marks: (at) => series.map((i, k) => svg("circle", { class: `mark c${k + 1}`, cx: x(at), cy: y(rows[at][i]), r: 4 })),
      describe: (at) => [
        el("div", { class: "tip-head" }, `${format.minute(rows[at][time])}${at === rows.length - 1 ? ", still filling" : ""}`),
        ...series.map((i, k) => row(series.length > 1 ? `c${k + 1}` : null, panel.labels[columns[i]] ?? columns[i], format.inWords(rows[at][i], panel.unit))),
      ],
      summary: `${series.map((i, k) => `${format.inWords(total[k], panel.unit)} ${panel.labels[columns[i]] ?? columns[i]}`).join(", ")} in all, at most ${format.inWords(top, panel.unit)} at once.`,
    };
  });
}

/** `day`, a series ("other …" comes last, in grey) and a number per row, stacked; days without rows are cut out. */
export function columns(box, panel) {
  const legend = el("ul", { class: "legend" });
  const plot = el("div", { class: "plot" });
  box.replaceChildren(legend, plot);
  const update = frame(plot, panel.title, (picture, width, answer) => {
    const { days, series, sums } = stack(answer, panel);
    const y = yAxis(picture, width, Math.max(0, ...sums));
    const gaps = days.map((one, i) => (i && Date.parse(one.day) - Date.parse(days[i - 1].day) > 86400000 ? 1 : 0));
    const GAP = 14;
    const inner = width - MARGIN.left - MARGIN.right;
    const wide = Math.min(26, (inner - GAP * gaps.reduce((a, b) => a + b, 0)) / Math.max(1, days.length));
    let right = MARGIN.left;
    const lefts = days.map((_, i) => {
      right += gaps[i] * GAP;
      const here = right;
      right += wide;
      return here;
    });
    const bar = Math.max(1.5, wide - (wide > 6 ? 2 : 1));
    const labels = [];
    days.forEach((one, i) => {
      let base = 0;
      series.forEach((id, k) => {
        const value = one.values.get(id) ?? 0;
        if (!value) return;
        picture.append(svg("rect", { class: `bar ${colour(id, k)}`, x: lefts[i], width: bar, y: y(base + value), height: Math.max(0.5, y(base) - y(base + value)) }));
        base += value;
      });
      if (gaps[i]) picture.append(cut(lefts[i] - GAP / 2 - 1, y(0)));
      const begins = i === 0 || gaps[i] || one.day.slice(0, 7) !== days[i - 1].day.slice(0, 7);
      if (begins) labels.push([lefts[i], gaps[i] || days.length < 3 ? format.day(one.day) : format.monthOf(one.day)]);
    });
    let free = width; // labels are set from the right: where two meet, the newer one stays
    for (const [left, text] of labels.reverse()) {
      const long = text.length * 6.5;
      const start = Math.min(left, width - long);
      if (start + long > free) continue;
      picture.append(svg("text", { class: "axis", x: start, y: HEIGHT - 8 }, text));
      free = start - 12;
    }
    return {
      count: days.length,
      x: (at) => lefts[at] + bar / 2,
      nearest: (at) => lefts.reduce((best, left, i) => (Math.abs(left + bar / 2 - at) < Math.abs(lefts[best] + bar / 2 - at) ? i : best), 0),
      describe: (at) => [
        el("div", { class: "tip-head" }, format.day(days[at].day)),
        ...series.map((id, k) => [id, k, days[at].values.get(id)]).filter(([, , value]) => value)
          .map(([id, k, value]) => row(colour(id, k), nameOf(id, answer), format.inWords(value, panel.unit))),
        row(null, "together", format.inWords(sums[at], panel.unit)),
      ],
      summary: days.length ? `${days.length} days from ${format.day(days[0].day)} to ${format.day(days.at(-1).day)}, at most ${format.inWords(Math.max(...sums), panel.unit)} ${panel.unit} a day.` : "",
    };
  });
  return (answer) => {
    const { series } = stack(answer, panel);
    legend.replaceChildren(...series.map((id, k) =>
      el("li", {}, el("i", { class: `swatch ${colour(id, k)}` }), nameOf(id, answer), badge(id, answer.names))));
    update(answer);
  };
}

const isRest = (id) => String(id).startsWith("other");
const colour = (id, k) => (isRest(id) ? "rest" : `c${k + 1}`);
const nameOf = (id, answer) => (format.isId(id) ? format.titleOf(id, answer.names) : String(id));

/** Where a course comes from: real and anonymous, or written for the demo. */
export function badge(id, names) {
  const origin = names?.[id]?.origin;
  if (!origin) return null;
  return el("span", { class: `badge ${origin === "OULAD" ? "real" : "made"}` }, origin);
}

function stack({ columns: names, rows }, panel) {
  const [day, by, number] = ["day", panel.series, panel.unit].map((name) => names.indexOf(name));
  const byDay = new Map();
  const totals = new Map();
  for (const one of rows) {
    const key = one[by];
    if (!byDay.has(one[day])) byDay.set(one[day], new Map());
    byDay.get(one[day]).set(key, one[number]);
    totals.set(key, (totals.get(key) ?? 0) + one[number]);
  }
  const series = [...totals.keys()].sort((a, b) => isRest(a) - isRest(b) || totals.get(b) - totals.get(a));
  const days = [...byDay].map(([one, values]) => ({ day: one, values }));
  const sums = days.map(({ values }) => [...values.values()].reduce((a, b) => a + b, 0));
  return { days, series, sums };
}

/** Two slanted strokes through the base line: time was cut out here. */
const cut = (x, y) =>
  svg("g", { class: "cut" },
    svg("rect", { x: x - 4, y: y - 3, width: 9, height: 6 }),
    svg("path", { d: `M${x - 4},${y + 5}l4,-10M${x + 1},${y + 5}l4,-10` }),
    svg("title", {}, "days without activity are left out"));
