// Signing in: with a link that works once, a password, or the institution's single sign-on.

import { el } from "./dom.js";
import { homeOf, send } from "./session.js";

const API = "/api/v1/session";
const KEPT = "learnstream.sign-in";
const byId = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const institution = query.get("institution");
const inInstitution = institution ? { institution_id: institution } : {};

const say = (text) => { byId("said").textContent = text; };

/** Only a path of ours: an address that somebody else wrote leads nowhere else. */
const next = (text) => (text && /^\/(?![/\\])/.test(text) ? text : null);

async function begin(path, body, wanted) {
  for (const button of document.querySelectorAll("button")) button.disabled = true;
  try {
    const answer = await send(`${API}/${path}`, body);
    if (answer.ok) {
      const me = await (await fetch(API)).json();
      location.replace(next(wanted) ?? homeOf(me));
      return;
    }
    say((await answer.json()).detail);
  } catch {
    say("The server does not answer. Try again in a moment.");
  }
  for (const button of document.querySelectorAll("button")) button.disabled = false;
}

async function offerProviders() {
  const answer = await fetch(`${API}/providers${institution ? `?institution_id=${institution}` : ""}`);
  if (!answer.ok) return;
  const { items } = await answer.json();
  byId("providers").hidden = items.length === 0;
  byId("providers").append(...items.map((one) =>
    el("button", { type: "button", onclick: () => leaveFor(one.name) }, one.title)));
}

async function leaveFor(provider) {
  const answer = await send(`${API}/providers/${provider}/attempt`, inInstitution);
  const attempt = await answer.json();
  if (!answer.ok) return say(attempt.detail);
  const { state, binding } = attempt;
  sessionStorage.setItem(KEPT, JSON.stringify({ provider, state, binding, next: query.get("next"), ...inInstitution }));
  location.assign(attempt.authorization_url);
}

/** Back from a provider, whose answer counts only for the attempt that began here. */
function backFrom() {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  sessionStorage.removeItem(KEPT);
  if (!kept || kept.state !== query.get("state")) return say("This sign-in was not begun here. Try again.");
  const { provider, next: wanted, ...known } = kept;
  const iss = query.get("iss");
  return begin(`providers/${provider}`, { ...known, code: query.get("code"), ...(iss ? { iss } : {}) }, wanted);
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const { email, password } = Object.fromEntries(new FormData(event.target));
  begin("password", { email, password, ...inInstitution }, query.get("next"));
});

/** The secret comes after the #, which no server sees; and it leaves the address bar. */
function byLink() {
  const token = location.hash.slice(1);
  if (!token) return false;
  history.replaceState(null, "", location.pathname);
  say("One moment…");
  begin("link", { token }, null);
  return true;
}

window.addEventListener("hashchange", byLink);
if (query.has("error")) say(query.get("error_description") ?? "The provider did not let you in.");
if (query.has("code")) backFrom();
else byLink();
offerProviders().catch(() => {});
