// Who is signed in: named in the header. Whoever is not is sent to the page where one does.

const API = "/api/v1/session";

let leaving = false; // signing out: whatever is refused meanwhile leads nowhere else

/** The sign-in page, which comes back here; the caller waits until it is left. */
function toSignIn() {
  if (!leaving) location.assign(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
  return new Promise(() => {});
}

/** The JSON of an answer; raises with its words where it refuses. */
export async function ask(path, options) {
  const response = await fetch(path, options);
  if (response.status === 401) return toSignIn();
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.detail ?? response.statusText);
  return body;
}

export const send = (path, body, method = "POST") =>
  fetch(path, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export async function post(path, body) {
  const response = await send(path, body);
  if (response.status === 401) return toSignIn();
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.detail ?? response.statusText);
  return answer;
}

/** `{user_id, name, scope}` of whoever is signed in, once they are; tried again while nobody answers. */
export async function signedIn() {
  for (;;) {
    try {
      const me = await ask(API);
      show(me);
      return me;
    } catch (error) {
      const banner = document.getElementById("banner");
      banner.textContent = `${error.message}. This page comes back by itself.`;
      banner.hidden = false;
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

/** Where somebody begins: staff with the overview, learners with their own page. */
export const homeOf = (me) => (me.scope === "self" ? `/learner/${me.user_id}` : "/");

function show(me) {
  const element = document.getElementById("me");
  document.getElementById("banner").hidden = true;
  element.firstElementChild.textContent = me.name;
  element.lastElementChild.onclick = async () => {
    leaving = true;
    await fetch(API, { method: "DELETE" }).catch(() => {});
    location.assign("/sign-in");
  };
  element.hidden = false;
  for (const link of document.querySelectorAll("[data-staff]")) link.hidden = me.scope === "self";
}
