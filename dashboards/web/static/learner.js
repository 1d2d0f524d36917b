// For you: whom to look at, what they are offered, what they just did.

import { badge } from "./charts.js";
import { el } from "./dom.js";
import * as format from "./format.js";

const API = "/api/v1/learners";
const LOOK_MS = 1000;
const SETTLE_MS = 1500; // features take about this long from an event to the online store
const DEEDS = {
  "content.viewed": "opened", "content.completed": "finished", "content.downloaded": "downloaded",
  "video.played": "played", "video.paused": "paused", "video.seeked": "jumped in", "forum.posted": "posted in",
  "assessment.submitted": "handed in work", "assessment.graded": "got a score", "assessment.feedback.given": "got feedback",
  "enrollment.created": "enrolled in", "enrollment.dropped": "left", "course.completed": "completed",
  "recommendation.clicked": "followed a recommendation", "recommendation.dismissed": "dismissed a recommendation",
};
const SOURCES = { personal: "for this learner", course: "from their course", semantic: "similar in meaning", popular: "popular" };

const byId = (id) => document.getElementById(id);
const learner = location.pathname.match(/^\/learner\/([0-9a-f-]{36})$/)?.[1] ?? null;
let offered = new Map(); // item id → position, as last shown
let newest = null; // the newest deed seen
let searching = false;

async function ask(path, options) {
  const response = await fetch(path, options);
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.detail ?? response.statusText);
  return body;
}
const post = (path, body) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

const initials = (name) => name.split(" ").map((word) => word[0]).slice(0, 2).join("");
const called = (one) => one.name ?? `Learner ${format.shortId(one.id)}`;

function showLive(word) {
  const words = { live: "Live", lost: "Reconnecting", paused: "Paused" };
  byId("live").dataset.state = word;
  if (byId("live").lastElementChild.textContent !== words[word]) byId("live").lastElementChild.textContent = words[word];
}

async function showPeople() {
  const { learners } = await ask(API);
  byId("nobody").hidden = learners.length > 0;
  byId("people").replaceChildren(...learners.map((one) =>
    el("li", {}, el("a", { href: `/learner/${one.id}`, "aria-current": one.id === learner ? "page" : null },
      el("i", { "aria-hidden": "true" }, one.name ? initials(one.name) : "·"),
      el("span", {}, called(one)),
      el("small", {}, one.last_at ? `${one.events} events, ${format.ago(one.last_at)}` : "has not studied yet")))));
}

function showDeeds({ activity, names }) {
  byId("idle").hidden = activity.length > 0;
  byId("deeds").replaceChildren(...activity.map((deed) => {
    const what = deed.item_id ?? deed.course_id;
    const on = what && (deed.item_id || DEEDS[deed.event_type]?.match(/ in$|^left|^completed/)) ? format.titleOf(what, names) : "";
    return el("li", {}, `${DEEDS[deed.event_type] ?? deed.event_type} `, el("strong", {}, on),
      el("small", {}, format.ago(deed.at)));
  }));
}

async function act(button, offer, type, recommendation) {
  button.disabled = true;
  try {
    if (recommendation) await post(`${API}/${learner}/clicks`, { recommendation_id: recommendation, item_id: offer.item_id });
    await post(`${API}/${learner}/events`, { course_id: offer.course_id, item_id: offer.item_id, event_type: type });
    byId("said").textContent = `${type === "content.completed" ? "Finished" : "Opened"} “${offer.title}”. The list follows in a moment.`;
  } catch (error) {
    byId("said").textContent = `That did not work: ${error.message}`;
  }
  button.disabled = false;
}

function showOffers(items, recommendation) {
  const before = offered;
  if (recommendation) offered = new Map(items.map((one, i) => [one.item_id, i + 1]));
  byId("nothing").hidden = items.length > 0;
  byId("nothing").textContent = "Nothing was found.";
  byId("list").replaceChildren(...items.map((one, i) => {
    const was = before.get(one.item_id);
    const moved = !recommendation || !before.size ? null : was === undefined ? "new" : was > i + 1 ? `up ${was - i - 1}` : null;
    const button = (text, type) => {
      const made = el("button", { type: "button", "aria-label": `${text} ${one.title}`, onclick: () => act(made, one, type, recommendation) }, text);
      return made;
    };
    return el("li", {},
      el("b", { "aria-hidden": "true" }, String(i + 1)),
      el("div", {},
        el("h3", {}, one.title, moved ? el("span", { class: "badge fresh" }, moved) : null),
        el("p", {}, [one.course_title, one.kind ? format.kindOf(one.kind) : null].filter(Boolean).join(" · ")),
        one.reason ? el("p", { class: "why" }, one.reason, one.source ? el("span", { class: "badge" }, SOURCES[one.source] ?? one.source) : null) : null),
      learner ? el("div", { class: "acts" }, button("Open", "content.viewed"), button("Finish", "content.completed")) : null);
  }));
}

async function offer() {
  if (searching) return;
  const answer = await ask(`${API}/${learner}/recommendations?limit=6`);
  showOffers(answer.items, answer.recommendation_id);
}

async function search(event) {
  event.preventDefault();
  const q = new FormData(event.target).get("q").trim();
  searching = q !== "";
  byId("offers-title").textContent = searching ? "Found" : "Recommended next";
  try {
    if (!searching) await offer();
    else showOffers((await ask(`/api/v1/search?q=${encodeURIComponent(q)}`)).items, null);
    byId("said").textContent = searching ? "Empty the box and search again to see the recommendations." : "";
  } catch (error) {
    byId("said").textContent = `That did not work: ${error.message}`;
  }
}

/** Looks each second what the learner did; new deeds call for a new list once features follow. */
async function look() {
  if (!document.hidden) {
    try {
      const one = await ask(`${API}/${learner}`);
      byId("who").textContent = called(one);
      document.title = `${called(one)} – Learnstream`;
      showDeeds(one);
      showLive("live");
      byId("banner").hidden = true;
      const latest = one.activity.find((deed) => !deed.event_type.startsWith("recommendation."))?.event_id ?? null;
      if (newest !== null && latest !== newest) setTimeout(() => offer().catch(() => {}), SETTLE_MS);
      newest = latest ?? "";
      if (!offered.size && !searching) await offer();
    } catch (error) {
      showLive("lost");
      byId("banner").textContent = `${error.message}. This page comes back by itself.`;
      byId("banner").hidden = false;
    }
  } else {
    showLive("paused");
  }
  setTimeout(look, LOOK_MS);
}

byId("search").addEventListener("submit", search);
async function people() {
  if (!document.hidden) await showPeople().then(() => learner || showLive("live")).catch(() => learner || showLive("lost"));
  setTimeout(people, 5000);
}
people();
if (learner) look();
