// Milestones, alerts and events as one list, newest first.

import { element, find } from "./dom.js";
import { clock, count, figure, several } from "./format.js";

const MOST_SHOWN = 200;
/** Colour of a severity's chip; its word stands in it. */
const CHIPS = { low: "chip accent", medium: "chip warn", high: "chip bad", critical: "chip worst" };

let everything = false;

function when(time, episode, ...chips) {
  const moment = element("time", "", clock(time, true));
  moment.dateTime = new Date(1000 * time).toISOString();
  return element("div", "when", ...chips, moment, element("span", "", `episode ${count(episode)}`));
}

function alertItem(alert) {
  const over = alert.over !== null;
  const severity = element("span", CHIPS[alert.severity] ?? "chip", alert.severity);
  const state = element("span", over ? "chip" : "chip bad", over ? `over at episode ${count(alert.over)}` : "open");
  const figures = `measured ${figure(alert.measured)}, limit ${figure(alert.threshold)}`;
  return element(
    "li", over ? "alert over" : "alert",
    when(alert.time, alert.episode, severity, state),
    element("div", "", alert.message),
    element("div", "advice", `${figures}. What to do: ${alert.recommendation}`),
  );
}

function milestoneItem({ time, episode, message }) {
  const kind = element("span", "chip good", "milestone");
  return element("li", "milestone", when(time, episode, kind), element("div", "", message));
}

function eventItem({ time, episode, kind, message }) {
  const name = element("span", "chip", kind.replaceAll("_", " "));
  return element("li", "event", when(time, episode, name), element("div", "", message));
}

function items(store) {
  const found = [
    ...store.milestones.map((note) => [note.time, () => milestoneItem(note)]),
    ...store.alerts.map((note) => [note.time, () => alertItem(note)]),
    ...(everything ? store.events.map((note) => [note.time, () => eventItem(note)]) : []),
  ];
  return found.sort(([a], [b]) => b - a).slice(0, MOST_SHOWN).map(([, make]) => make());
}

const any = (store) => store.milestones.length + store.alerts.length + store.events.length > 0;

function fill(section, store) {
  const list = find(".timeline", section);
  const place = list.scrollTop; // emptying the list would take the reader back to the top
  const shown = items(store);
  list.replaceChildren(...(shown.length > 0 ? shown : [element("li", "", "no alerts and no milestones yet")]));
  list.scrollTop = place;
}

function words(store) {
  if (!any(store)) return "";
  const open = store.alerts.filter(({ over }) => over === null).length;
  const reached = several(store.milestones.length, "milestone");
  return `${several(open, "open alert")} (${count(store.alerts.length)} in all), ${reached}`;
}

/** The two buttons over the list. */
function once(section, store) {
  const buttons = [...section.querySelectorAll("[data-filter]")];
  const choose = (chosen) => {
    everything = chosen.dataset.filter === "all";
    for (const button of buttons) button.setAttribute("aria-pressed", String(button === chosen));
    fill(section, store);
  };
  for (const button of buttons) button.addEventListener("click", () => choose(button));
}

export const notes = { number: 6, facts: ["notes"], some: any, fill, words, once };
