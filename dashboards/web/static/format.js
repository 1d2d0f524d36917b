// Numbers, moments and names as people read them. All times are UTC and say so once, in the header.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const utc = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options });
const clock = utc({ hour: "2-digit", minute: "2-digit" });
const clockSeconds = utc({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dayOfYear = utc({ day: "numeric", month: "short", year: "numeric" });
const month = utc({ month: "short", year: "numeric" });

const NONE = "–";

/** A value of a unit, as `{text, unit}`: seconds choose their own unit. */
export function measure(value, unit) {
  if (value === null || value === undefined) return { text: NONE, unit: "" };
  if (unit === "seconds") return duration(value);
  if (unit === "percent") return { text: percent.format(value), unit: "%" };
  return { text: Math.abs(value) >= 1e6 ? compact.format(value) : whole.format(value), unit: "" };
}

export function inWords(value, unit) {
  const { text, unit: own } = measure(value, unit);
  return own === "%" ? `${text}%` : own ? `${text} ${own}` : text;
}

export const axisNumber = (value) => (Math.abs(value) >= 10000 ? compact : whole).format(value);

function duration(seconds) {
  const size = Math.abs(seconds);
  if (size < 0.9995) return { text: whole.format(seconds * 1000), unit: "ms" };
  if (size < 99.5) return { text: seconds.toFixed(size < 9.95 ? 1 : 0), unit: "s" };
  if (size < 5400) return { text: whole.format(seconds / 60), unit: "min" };
  if (size < 172800) return { text: whole.format(seconds / 3600), unit: "h" };
  return { text: whole.format(seconds / 86400), unit: "days" };
}

export const minute = (moment) => clock.format(new Date(moment));
export const second = (moment) => clockSeconds.format(new Date(moment));
export const day = (moment) => dayOfYear.format(new Date(moment));
export const monthOf = (moment) => month.format(new Date(moment));

/** The span an answer covers: "8 – 15 Jun 2014"; bounds of the same day give that day. */
export function span(since, until) {
  if (!until) return null;
  if (!since) return `newest: ${day(until)}`;
  const range = dayOfYear.formatRange(new Date(since), new Date(until));
  return range;
}

export const isId = (value) => typeof value === "string" && /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(value);
export const shortId = (id) => `${id.slice(0, 8)}…`;

/** What an id is called, as far as the LMS has said. */
export const titleOf = (id, names) => names?.[id]?.title ?? shortId(id);

const KINDS = {
  oucontent: "course text", resource: "resource", homepage: "home page", forumng: "forum",
  quiz: "quiz", url: "link", subpage: "sub-page", ouwiki: "wiki", glossary: "glossary",
  dataplus: "database", externalquiz: "external quiz", oucollaborate: "online session",
  ouelluminate: "online session (old)", questionnaire: "questionnaire", page: "page",
  htmlactivity: "interactive page", folder: "folder", sharedsubpage: "shared sub-page",
  dualpane: "two-pane page", repeatactivity: "repeated activity",
};
/** Kinds of OULAD are machine names of the Open University's platform; others are words already. */
export const kindOf = (kind) => KINDS[kind] ?? String(kind).replaceAll("_", " ");

/** How long ago, in the largest unit that fits: "12 s ago". */
export function ago(moment) {
  const seconds = Math.max(0, (Date.now() - Date.parse(moment)) / 1000);
  if (seconds > 30 * 86400) return day(moment);
  if (seconds < 99.5) return `${whole.format(seconds)} s ago`;
  const { text, unit } = duration(seconds);
  return `${text} ${unit} ago`;
}
