// The head of the page: which run, how it is, how far it is, and all the others to change to.

import { element, find, ownAddress, setBar, setText } from "./dom.js";
import { clock, count, decimal, duration, percent, several } from "./format.js";

const STATES = {
  running: ["chip accent", "running"],
  finished: ["chip good", "finished"],
  stopped: ["chip warn", "stopped, can be resumed"],
  lost: ["chip bad", "lost: its process is gone, can be resumed"],
  failed: ["chip bad", "failed"],
};
/** What a run is before anything is known of it. */
const UNKNOWN = { name: "", state: "…", stage: "", open_alerts: null, time_left: null, test: null, picture: null };
const CONNECTIONS = {
  connecting: ["chip", "connecting"],
  live: ["chip good", "live"],
  waiting: ["chip accent", "waiting for the run to begin"],
  reconnecting: ["chip warn", "reconnecting"],
};

function chip(node, className, text) {
  if (node.className !== className) node.className = className;
  setText(node, text);
}

export const showConnection = (state) => chip(find("#connection"), ...CONNECTIONS[state]);

function tile(name, value, detail) {
  const node = find(`#tile-${name}`);
  setText(find(".value", node), value);
  setText(find(".detail", node), detail);
  return node;
}

const share = (part, all) => (all > 0 ? part / all : null);

function showEpisode({ episode, target_episodes: target, chunk, chunks, elapsed_seconds: elapsed }) {
  const detail = `chunk ${count(chunk)} of ${count(chunks)}, ${duration(elapsed)} so far`;
  const node = tile("episode", `${count(episode)} of ${count(target)}`, detail);
  setBar(find(".bar", node), share(episode, target));
}

function showTimeLeft({ time_left: left }, now) {
  if (left === null) return tile("left", "–", "");
  const range = `${duration(left.low)} – ${duration(left.high)} (95 %)`;
  return tile("left", duration(left.seconds), `${range}, about ${clock(now + left.seconds)}`);
}

function showGain({ best_validation: best, test }) {
  const where = best ? `after ${several(best.episode, "episode")}` : "no validation yet";
  tile("gain", decimal(best?.gain, 3), test ? `${where}; test ${decimal(test.gain, 3)}` : where);
}

function showSuccess({ success_mean: rolling, best_validation: best }) {
  const validation = best ? `; best validation ${percent(best.success_rate)}` : "";
  tile("success", percent(rolling), `last 100 episodes${validation}`);
}

function showAlerts({ open_alerts: open, rollbacks }) {
  const back = rollbacks ? several(rollbacks, "time") : "never";
  const node = tile("alerts", count(open), `training went back to a checkpoint: ${back}`);
  node.classList.toggle("warn", open > 0);
}

function showVelocity({ episodes_per_minute: now, mean_episodes_per_minute: mean }) {
  tile("velocity", now ? decimal(now, 1) : "–", `episodes per minute; mean ${mean ? decimal(mean, 1) : "–"}`);
}

function showStage({ stage, done, total }) {
  find("#stage").hidden = !stage;
  if (!stage) return;
  const progress = total > 0 ? `: ${count(done)} of ${count(total)}` : "";
  setText(find("#stage-text"), `${stage.replaceAll("_", " ")}${progress}`);
  find("#stage-bar").hidden = !(total > 0);
  setBar(find("#stage-bar"), share(done, total));
}

function showState({ state, reason, decision }) {
  chip(find("#run-state"), ...(STATES[state] ?? ["chip", state]));
  showReason(reason ?? "");
  setText(find("#decision"), decision ? `gate: ${decision.replaceAll("_", " ")}` : "");
}

/** The link to the last picture of the dashboard; `episode` where it is known. */
export function showPicture(url, episode = null) {
  const link = find("#picture");
  const address = ownAddress(url);
  link.hidden = address === null;
  if (address === null) return;
  if (link.href !== address) link.href = address;
  if (episode !== null) setText(link, `picture of the dashboard at episode ${count(episode)}`);
  else if (!link.textContent || link.dataset.shown !== address) setText(link, "latest picture of the dashboard");
  link.dataset.shown = address;
}

/** Everything that stands in the summary. */
export function showSummary({ summary: known, summarySeconds }) {
  const summary = known ?? UNKNOWN;
  const trained = percent(share(summary.episode, summary.target_episodes), 0);
  document.title = known === null ? "stage1 dashboard" : `${summary.name}: ${summary.state}, ${trained}`;
  setText(find("#run-name"), summary.name || "…");
  showState(summary);
  showStage(summary);
  showEpisode(summary);
  showTimeLeft(summary, summarySeconds);
  showGain(summary);
  showSuccess(summary);
  showAlerts(summary);
  showVelocity(summary);
  if (summary.picture) showPicture(summary.picture);
}

/** Says why there is nothing to see, where that is so. */
export const showReason = (text) => setText(find("#reason"), text);

const runText = ({ name, state, episode, target_episodes: target }) =>
  `${name} · ${state} · ${count(episode)} of ${count(target)}`;

/** Changes the list in place: one that is open must not close under the reader's finger. */
export function showRuns({ runs, run }) {
  const select = find("#runs");
  const names = runs.map(({ name }) => name);
  if (names.join("\n") !== [...select.options].map(({ value }) => value).join("\n")) {
    select.replaceChildren(...names.map((name) => Object.assign(element("option"), { value: name })));
    select.value = run;
  }
  runs.forEach((each, index) => setText(select.options[index], runText(each)));
  if (document.activeElement !== select && select.value !== run) select.value = run;
}
