// For you: pick a learner, read what they are offered and what they just did.

import { el } from "./dom.js";
import * as format from "./format.js";
import { ask, post, signedIn } from "./session.js";

const API = "/api/v1/learners";
const POLL_MS = 2000; // where one may study
const WATCH_MS = 10000; // at somebody else: each time is in the audit log
const PEOPLE_MS = 30000;
const REFRESH_MS = 1500; // features take about this long from an event to the online store
const DEEDS = {
  "content.viewed": "opened", "content.completed": "finished", "content.downloaded": "downloaded",
  "video.played": "played", "video.paused": "paused", "video.seeked": "jumped in", "forum.posted": "posted in",
  "assessment.submitted": "handed in work", "assessment.graded": "got a score", "assessment.feedback.given": "got feedback",
  "enrollment.created": "enrolled in", "enrollment.dropped": "left", "course.completed": "completed",
  "certificate.issued": "earned a certificate in",
  "recommendation.clicked": "followed the offer of", "recommendation.dismissed": "declined the offer of",
};
const SOURCES = { personal: "for this learner", course: "from their course", semantic: "similar in meaning", popular: "popular" };

const byId = (id) => document.getElementById(id);
const learner = location.pathname.match(/^\/learner\/([0-9a-f-]{36})$/)?.[1] ?? null;
let offered = new Map(); // item id → position, as last shown
let newest = null; // the newest deed seen
let searching = false;
let me = null; // who is signed in
let about = null; // who the learner is, and whether one may study as them

const initials = (name) => name.split(" ").map((word) => word[0]).slice(0, 2).join("");
const mark = (one) => (one.invented ? el("span", { class: "badge made" }, "demo") : null);

function showLive(word) {
  const words = { live: "Live", lost: "Reconnecting", paused: "Paused" };
  byId("live").dataset.state = word;
  if (byId("live").lastElementChild.textContent !== words[word]) byId("live").lastElementChild.textContent = words[word];
}

async function showPeople() {
  const { learners } = await ask(API);
  if (byId("people").contains(document.activeElement)) return; // a key or pointer is on its way
  byId("nobody").hidden = learners.length > 0;
  const alone = learners.every((one) => one.id === me.user_id) && learner === me.user_id;
  document.querySelector(".people").hidden = alone; // a learner without anybody to care for
  document.querySelector(".desk").classList.toggle("own", alone);
  byId("people").replaceChildren(...learners.map((one) =>
    el("li", {}, el("a", { href: `/learner/${one.id}`, "aria-current": one.id === learner ? "page" : null },
      el("i", { "aria-hidden": "true" }, initials(one.name)),
      el("span", {}, one.name),
      el("small", {}, one.last_at ? `${one.events} events, ${format.ago(one.last_at)}` : "has not studied yet")))));
}

function showDeeds({ activity, names, withheld }) {
  byId("idle").hidden = activity.length > 0;
  byId("idle").textContent = withheld ? "They chose that what they do is shown to nobody else." : "Nothing yet.";
  byId("deeds").replaceChildren(...activity.map((deed) => {
    const what = deed.item_id ?? deed.course_id;
    const on = what && (deed.item_id || DEEDS[deed.event_type]?.match(/ in$|^left|^completed/)) ? format.titleOf(what, names) : "";
    return el("li", {}, `${DEEDS[deed.event_type] ?? deed.event_type} `, el("strong", {}, on),
      el("small", {}, format.ago(deed.at)));
  }));
}

const SAID = { "content.viewed": "Opened", "content.completed": "Finished" };

/** Reports the reaction to an offer to serving, and the learner's action to the LMS. */
async function act(button, offer, type, recommendation) {
  button.disabled = true;
  const react = (reaction) => recommendation
    ? post(`${API}/${learner}/reactions`, { recommendation_id: recommendation, item_id: offer.item_id, reaction })
    : undefined; // an item that was searched for is nobody's offer
  try {
    if (type) {
      const unnoted = await react("clicks")?.then(() => "", (error) => ` (The click was not noted: ${error.message}.)`);
      await post(`${API}/${learner}/events`, { course_id: offer.course_id, item_id: offer.item_id, event_type: type });
      byId("said").textContent = `${SAID[type]} “${offer.title}”. The list follows in a moment.${unnoted ?? ""}`;
    } else {
      await react("dismissals");
      byId("said").textContent = `“${offer.title}” is not offered again for a while.`;
      await offers();
    }
  } catch (error) {
    byId("said").textContent = `That did not work: ${error.message}`;
  }
  button.disabled = false;
}

function change(before, id, place) {
  const was = before.get(id);
  if (!before.size || was === place) return null;
  return was === undefined ? "new" : was > place ? `up ${was - place}` : null;
}

function showOffers(items, recommendation) {
  const before = recommendation ? offered : new Map();
  if (recommendation) offered = new Map(items.map((one, i) => [one.item_id, i + 1]));
  byId("nothing").hidden = items.length > 0;
  byId("nothing").textContent = searching ? "Nothing was found." : learner ? "Nothing is left to recommend." : "Pick a learner.";
  byId("list").replaceChildren(...items.map((one, i) => {
    const changed = change(before, one.item_id, i + 1);
    const button = (text, type, style) => {
      const made = el("button", { type: "button", class: style, "aria-label": `${text}: ${one.title}`, onclick: () => act(made, one, type, recommendation) }, text);
      return made;
    };
    const why = one.reason ?? one.snippet;
    return el("li", {},
      el("b", { "aria-hidden": "true" }, String(i + 1)),
      el("div", {},
        el("h3", {}, one.title, changed ? el("span", { class: "badge fresh" }, changed) : null),
        el("p", {}, [one.course_title, one.kind ? format.kindOf(one.kind) : null].filter(Boolean).join(" · ")),
        why ? el("p", { class: "why" }, why, one.source ? el("span", { class: "badge" }, SOURCES[one.source] ?? one.source) : null) : null),
      about?.may_act ? el("div", { class: "acts" },
        button("Open", "content.viewed"), button("Finish", "content.completed"),
        recommendation ? button("Not now", null, "plain") : null) : null);
  }));
}

async function offers() {
  if (searching || !about) return;
  try {
    const acting = about.may_act && !about.itself ? "&acting=true" : "";
    const answer = await ask(`${API}/${learner}/recommendations?limit=6${acting}`);
    if (searching) return; // asked for before the search began
    showOffers(answer.items, answer.recommendation_id);
    byId("degraded").textContent = answer.degraded?.length ? `answered without: ${answer.degraded.join(", ")}` : `ranked by ${answer.model}`;
  } catch (error) {
    byId("list").replaceChildren();
    offered = new Map();
    byId("nothing").hidden = false;
    byId("nothing").textContent = `No recommendations just now: ${error.message}. They come back by themselves.`;
  }
}

async function search(event) {
  event.preventDefault();
  const q = new FormData(event.target).get("q").trim();
  searching = q !== "";
  byId("offers-title").textContent = searching ? "Found" : "Recommended next";
  byId("degraded").textContent = "";
  try {
    if (!searching) await (learner ? offers() : showOffers([], null));
    else showOffers((await ask(`/api/v1/search?q=${encodeURIComponent(q)}`)).items, null);
    byId("said").textContent = searching ? "Empty the box to see the recommendations again." : "";
  } catch (error) {
    byId("said").textContent = `That did not work: ${error.message}`;
  }
}

/** Polls what the learner did; after a new event it reads the offers again once features follow. */
async function poll() {
  if (!document.hidden) {
    try {
      const one = await ask(`${API}/${learner}`);
      about = one;
      byId("who").replaceChildren(one.name, " ", mark(one) ?? "");
      byId("offers-about").textContent = one.may_act ? "Open or finish an item: the list follows within seconds." : "What comes next for them, and why.";
      byId("deeds-title").textContent = one.itself ? "What you just did" : "What they just did";
      document.title = `${one.name} – Learnstream`;
      showDeeds(one);
      showLive("live");
      byId("banner").hidden = true;
      const latest = one.activity.find((deed) => !deed.event_type.startsWith("recommendation."))?.event_id ?? null;
      if (newest !== null && latest !== newest) setTimeout(offers, REFRESH_MS);
      newest = latest ?? "";
      if (!offered.size && !searching) await offers();
    } catch (error) {
      showLive("lost");
      byId("banner").textContent = `${error.message[0].toUpperCase()}${error.message.slice(1)}. This page comes back by itself.`;
      byId("banner").hidden = false;
    }
  } else {
    showLive("paused");
  }
  setTimeout(poll, about?.may_act ? POLL_MS : WATCH_MS);
}

byId("search").addEventListener("submit", search);
byId("search").addEventListener("input", (event) => {
  if (searching && event.target.value === "") event.target.form.requestSubmit();
});
async function people() {
  if (!document.hidden) await showPeople().then(() => learner || showLive("live")).catch(() => learner || showLive("lost"));
  setTimeout(people, PEOPLE_MS);
}
signedIn().then((one) => {
  me = one;
  people();
  if (learner) poll();
});
