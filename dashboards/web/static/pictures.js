// Pictures without axes: numbers, bars, a ring, a table. Each takes a box and a panel, and gives a
// function that shows an answer in it.

import { badge } from "./charts.js";
import { el, svg } from "./dom.js";
import * as format from "./format.js";

/** One row of numbers; the first is the large one. */
export function stat(box, panel) {
  const list = el("dl", { class: "stats" });
  box.replaceChildren(list);
  const shown = new Map();
  return ({ columns, rows }) => {
    const values = rows[0] ?? [];
    if (list.childElementCount !== columns.length) {
      list.replaceChildren(...columns.map((column) => {
        const number = el("dd", {});
        shown.set(column, number);
        return el("div", { class: "stat" }, number, el("dt", {}, panel.labels[column] ?? column.replaceAll("_", " ")));
      }));
    }
    columns.forEach((column, i) => {
      const { text, unit } = format.measure(values[i], panel.units[column] ?? panel.unit);
      const number = shown.get(column);
      const next = unit ? `${text} ${unit}` : text;
      if (number.textContent.trim() === next) return;
      number.replaceChildren(text, unit ? el("small", {}, ` ${unit}`) : "");
    });
  };
}

const numberColumn = ({ columns, rows }) =>
  columns.findIndex((_, i) => rows.some((one) => typeof one[i] === "number"));

const nameIn = (column, value, names) =>
  value === null ? "others" : format.isId(value) ? format.titleOf(value, names)
    : column === "kind" ? format.kindOf(value) : String(value);

/** A name and a number per row, longest first as the SQL orders them. */
export function bars(box, panel) {
  const list = el("ol", { class: "bars" });
  box.replaceChildren(list);
  return (answer) => {
    const number = numberColumn(answer);
    const name = number === 0 ? 1 : 0;
    const top = Math.max(1, ...answer.rows.map((one) => one[number]));
    const sum = answer.rows.reduce((total, one) => total + one[number], 0);
    list.replaceChildren(...answer.rows.map((one) => {
      const fill = el("span", { class: "fill" });
      fill.style.width = `${Math.max(0.5, (100 * one[number]) / top)}%`;
      const share = sum ? format.inWords((100 * one[number]) / sum, "percent") : "";
      return el("li", { title: `${share} of ${format.inWords(sum, panel.unit)} ${panel.unit}` },
        el("span", { class: "name" }, nameIn(answer.columns[name], one[name], answer.names)),
        el("b", {}, format.inWords(one[number], panel.unit)),
        el("span", { class: "track", "aria-hidden": "true" }, fill));
    }));
  };
}

/** A name and a number per row as shares of a whole. */
export function donut(box, panel) {
  const R = 58;
  const AROUND = 2 * Math.PI * R;
  return (answer) => {
    const number = numberColumn(answer);
    const name = number === 0 ? 1 : 0;
    const sum = answer.rows.reduce((total, one) => total + one[number], 0);
    let from = 0;
    const gap = answer.rows.length > 1 ? 3 : 0;
    const arcs = answer.rows.map((one, k) => {
      const length = sum ? (AROUND * one[number]) / sum : 0;
      const arc = svg("circle", {
        class: `arc c${k + 1}`, r: R, cx: 75, cy: 75,
        "stroke-dasharray": `${Math.max(1, length - gap)} ${AROUND}`, "stroke-dashoffset": -from,
      }, svg("title", {}, `${one[name]}: ${format.inWords(one[number], panel.unit)}`));
      from += length;
      return arc;
    });
    const middle = format.measure(sum, panel.unit).text;
    box.replaceChildren(el("div", { class: "donut" },
      svg("svg", { width: 150, height: 150, viewBox: "0 0 150 150", role: "img", "aria-label": `${middle} ${panel.unit} in all` },
        svg("g", { transform: "rotate(-90 75 75)" }, arcs),
        svg("text", { class: "middle", x: 75, y: 78, "text-anchor": "middle" }, middle),
        svg("text", { class: "axis", x: 75, y: 95, "text-anchor": "middle" }, panel.unit)),
      el("ul", { class: "parts" }, answer.rows.map((one, k) =>
        el("li", {}, el("i", { class: `swatch c${k + 1}` }), el("span", {}, String(one[name])),
          el("b", {}, format.inWords(one[number], panel.unit)),
          el("small", {}, format.inWords((100 * one[number]) / (sum || 1), "percent")))))));
  };
}

/** Any columns; numbers stand right, the last of them has a bar beneath it. */
export function table(box, panel) {
  const scroll = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": panel.title });
  box.replaceChildren(scroll); // kept from answer to answer: it holds the focus and the position
  return (answer) => {
    const { columns, rows, names } = answer;
    const numeric = columns.map((_, i) => rows.some((one) => typeof one[i] === "number"));
    const barred = numeric.lastIndexOf(true);
    const top = Math.max(1, ...rows.map((one) => one[barred] ?? 0));
    const courses = columns.indexOf("course_id");
    const cell = (one, i) => {
      const value = one[i];
      const column = columns[i];
      if (numeric[i]) {
        const text = format.inWords(value, panel.units[column] ?? panel.unit);
        const content = el("td", { class: "number" }, text);
        if (i === barred) {
          const bar = el("span", { class: "cell-bar", "aria-hidden": "true" });
          bar.style.width = `${(100 * (value ?? 0)) / top}%`;
          content.append(bar);
        }
        return content;
      }
      if (column === "time") return el("td", {}, format.minute(value));
      const text = nameIn(column, value, names);
      const mark = i === courses ? badge(value, names) : null;
      return el("td", { "data-column": column }, el("span", { class: "cut-off", title: text }, text), mark);
    };
    scroll.replaceChildren(
      el("table", {},
        el("thead", {}, el("tr", {}, columns.map((column, i) =>
          el("th", { scope: "col", "data-column": column, class: numeric[i] ? "number" : null }, panel.labels[column] ?? column.replaceAll("_", " "))))),
        el("tbody", {}, rows.map((one) => el("tr", {}, columns.map((_, i) => cell(one, i)))))));
  };
}
