// Puts the page together: what the server says goes into the store, what changed there is drawn.

import { Connection } from "./connection.js";
import { find, setText } from "./dom.js";
import { Gallery } from "./gallery.js";
import { showConnection, showPicture, showReason, showRuns, showSummary } from "./header.js";
import { Panels } from "./panels.js";
import { Refresher } from "./refresher.js";
import { CLOUDS, Store } from "./store.js";
import { bindTheme } from "./theme.js";
import { announce, toast } from "./toast.js";

/** From so many points on a series of `initial_data` may be a selection. */
const SAMPLED_POINTS = 900;
/** The most that the server gives of a series. */
const MOST_ASKED = 10000;

const store = new Store();
const panels = new Panels(store);
const gallery = new Gallery();
const refresher = new Refresher(update);
const connection = new Connection(receive, onState);
const received = {};

function update(facts) {
  panels.update(facts);
  if (facts.has("summary")) showSummary(store);
  if (facts.has("runs")) showRuns(store);
  if (facts.has("samples")) gallery.update(store);
}

/** `initial_data` has the lowest and highest of many points: right for a line, but no picture of how they lie. */
function askForClouds({ series }) {
  const sampled = CLOUDS.filter((name) => (series[name]?.x.length ?? 0) >= SAMPLED_POINTS);
  if (sampled.length > 0) connection.send({ type: "request_metrics_history", metrics: sampled, points: MOST_ASKED });
}

/** What is told beside the panels. */
const ASIDE = {
  __proto__: null,
  initial_data: askForClouds,
  milestone_achieved: ({ milestone }) => announce(`milestone: ${milestone.message}`),
  qa_alert: ({ alert }) => announce(`alert ${alert.over === null ? alert.severity : "over"}: ${alert.message}`),
  dashboard_generated: ({ url, episode }) => {
    drawing(false);
    showPicture(url, episode);
  },
  error: ({ code, message }) => {
    if (code === "picture_failed") drawing(false);
    toast(`${code.replaceAll("_", " ")}: ${message}`);
  },
};

function receive(message) {
  received[message.type] = (received[message.type] ?? 0) + 1;
  ASIDE[message.type]?.(message);
  refresher.mark(store.take(message));
}

function onState(state) {
  showConnection(state);
  drawing(false); // the answer to what was asked on another connection never comes
  if (["waiting", "reconnecting"].includes(state) && store.run === "") offerRuns();
}

/** A run that is not there (yet) has no answer: the others can be chosen meanwhile. */
async function offerRuns() {
  showReason("No such run so far, or no answer from the server: trying again.");
  try {
    const answer = await fetch("/api/runs");
    if (answer.ok) refresher.mark(store.takeRuns(await answer.json()));
  } catch {
    // the server is away; the connection goes on trying
  }
}

function drawing(going) {
  const button = find("#draw");
  button.disabled = going || !connection.live;
  setText(button, going ? "Drawing…" : "Draw picture");
}

/** Shows another run; what else stands in the page's address stays there. */
function changeTo(run) {
  const query = new URLSearchParams(window.location.search);
  query.set("run", run);
  window.history.pushState(null, "", `?${query}`);
  follow();
}

/** Shows the run that the address names. */
function follow() {
  showPicture(null);
  refresher.mark(store.clear());
  connection.restart();
}

window.dashboard = {
  received,
  get connected() {
    return connection.live;
  },
  get state() {
    return connection.state;
  },
  get run() {
    return store.run;
  },
  /** Points of the curves: whoever watches over the page sees that nothing is lost or told twice. */
  get counts() {
    return {
      episodes: store.curve("episode/reward").x.length,
      validations: store.curve("validation/gain").x.length,
    };
  },
};

bindTheme(find("#theme"), () => panels.recolour());
find("#draw").addEventListener("click", () => drawing(connection.send({ type: "request_dashboard" })));
find("#runs").addEventListener("change", ({ target }) => changeTo(target.value));
window.addEventListener("popstate", follow);
connection.open();
