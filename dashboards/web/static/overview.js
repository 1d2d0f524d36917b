// The overview: one card per panel, drawn from the stream's messages.

import { columns, timeseries } from "./charts.js";
import { el } from "./dom.js";
import * as format from "./format.js";
import { bars, donut, stat, table } from "./pictures.js";
import { ask, homeOf, signedIn } from "./session.js";
import { connect } from "./stream.js";

const PICTURES = { bars, columns, donut, stat, table, timeseries };
const LIVE = {
  connecting: "Connecting",
  live: "Live",
  stale: "Stale: no new numbers",
  lost: "Reconnecting",
  paused: "Paused",
};
const UNSAID = new Set(["seconds", "times", "percent"]); // the numbers carry these themselves
const API = "/api/v1/analytics/dashboards/overview";

const byId = (id) => document.getElementById(id);
const cards = new Map();

/** True where an answer has nothing a picture could show. */
function isEmpty(panel, { columns: names, rows }) {
  if (!rows.length) return true;
  if (panel.picture === "table") return false;
  const numbers = rows.flatMap((row) => row.filter((_, i) => names[i] !== "time" && names[i] !== "day"))
    .filter((value) => typeof value === "number");
  return numbers.every((value) => value === 0);
}

function card(panel) {
  const body = el("div", { class: "body" });
  const caption = el("span", { class: "caption" });
  const note = el("p", { class: "empty", hidden: true });
  const toggle = panel.picture === "table" ? null : el("button", {
    type: "button", class: "plain", "aria-pressed": "false", "aria-label": `${panel.title} as a table`,
    onclick: () => choose(toggle.getAttribute("aria-pressed") !== "true"),
  }, "Table");
  const element = el("section", { class: "panel", "aria-labelledby": `title-${panel.name}`, "data-panel": panel.name },
    el("header", {},
      el("h2", { id: `title-${panel.name}` }, panel.title, el("span", { class: "unit" }, UNSAID.has(panel.unit) ? "" : panel.unit)),
      el("p", { class: "question" }, panel.question)),
    body, note,
    el("footer", {}, caption, el("span", { class: "tools" }, toggle,
      el("a", { href: panel.sql_url, "aria-label": `SQL of ${panel.title}` }, "SQL"))));
  element.dataset.size = panel.size;
  if (panel.note) element.querySelector(".question").append(" ", el("span", { class: "about", tabindex: 0, role: "note", "aria-label": panel.note, "data-note": panel.note }, "i"));

  let draw = PICTURES[panel.picture](body, panel);
  let last = null;
  function choose(asTable) {
    toggle.setAttribute("aria-pressed", String(asTable));
    body.replaceChildren();
    body.className = "body";
    draw = (asTable ? table : PICTURES[panel.picture])(body, panel);
    if (last) show(last);
  }
  function show(answer) {
    last = answer;
    const empty = !answer.error && isEmpty(panel, answer);
    note.hidden = !empty && !answer.error;
    note.classList.toggle("wrong", Boolean(answer.error));
    note.textContent = answer.error ?? panel.empty;
    body.hidden = Boolean(answer.error) || (empty && panel.picture !== "timeseries");
    if (!body.hidden) draw(answer);
    const span = format.span(answer.since_at, answer.until_at);
    const old = answer.until_at && Date.now() - Date.parse(answer.until_at) > 2 * 86400000;
    caption.replaceChildren(span ?? panel.span ?? "", old ? el("span", { class: "badge past" }, "history") : "");
    element.removeAttribute("aria-busy");
  }
  element.setAttribute("aria-busy", "true");
  return { element, show };
}

function showState(state) {
  byId("clock").textContent = `${format.second(state.now)} UTC`;
  const away = state.database === "away";
  byId("banner").hidden = !away;
  document.body.classList.toggle("stale", away);
  if (!away) return;
  const seen = state.seen_at ? `The numbers below are from ${format.second(state.seen_at)}.` : "There are no numbers yet.";
  const sentence = `There have been no new numbers since ${format.second(state.away_since)} UTC: ${state.detail}. ${seen} They come back by themselves (./learnstream status shows what is away).`;
  if (byId("banner").textContent !== sentence) byId("banner").textContent = sentence;
}

function showLive(word) {
  const pill = byId("live");
  document.body.classList.toggle("lost", word === "lost");
  if (pill.dataset.state === word) return;
  pill.dataset.state = word;
  pill.lastElementChild.textContent = LIVE[word];
}

/** A panel that cannot be narrowed to what one sees is not for them. */
function showPanel(answer) {
  const one = cards.get(answer.panel);
  if (answer.refused) one?.element.remove();
  else one?.show(answer);
}

async function begin() {
  const me = await signedIn();
  if (me.scope === "self") return location.replace(homeOf(me));
  let dashboard;
  while (!dashboard) {
    try {
      dashboard = await ask(API);
      byId("banner").hidden = true;
    } catch (error) {
      showLive("lost");
      byId("banner").textContent = error.message;
      byId("banner").hidden = false;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
  for (const panel of dashboard.panels) {
    const one = card(panel);
    cards.set(panel.name, one);
    byId("panels").append(one.element);
  }
  connect(`${API}/stream`, {
    panel: showPanel,
    state: showState,
    live: (word) => {
      showLive(word);
      if (word === "lost") ask("/api/v1/session").catch(() => {}); // signed out meanwhile?
    },
  });
}

begin();
