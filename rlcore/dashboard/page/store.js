// What the server said so far, folded into one value that the panels read. docs/dashboard.md describes the messages.

import { append, outlined, spread } from "./series.js";

const RECENT_EPISODES = 500;
const LAST_NOTES = 200;

/** Everything that a panel may wait for. */
const FACTS = [
  "episodes", "rollouts", "validation", "health", "notes", "system", "samples", "summary", "pace", "runs",
];

/** What an episode gives to curves that are shown: series name without `episode/`, field of the same name. */
const EPISODE_CURVES = ["reward", "quality", "reward_mean", "quality_mean", "success_mean"];
/** Curves that are shown as single points. */
export const CLOUDS = ["episode/reward", "episode/quality"];

export class Store {
  constructor() {
    this.runs = [];
    this.clear();
  }

  /** Forgets all but which runs there are. */
  clear() {
    return this.takeInitialData({});
  }

  /** Takes a message in and tells which facts it changed; of unknown types, none. */
  take(message) {
    const handler = HANDLERS[message.type];
    return handler === undefined ? [] : handler.call(this, message);
  }

  curve(name) {
    if (!this.series.has(name)) this.series.set(name, { x: [], y: [] });
    return this.series.get(name);
  }

  /** Replaces all: after a gap nothing of before is worth keeping, so nothing is lost or told twice. */
  takeInitialData(message) {
    this.run = message.run ?? "";
    this.keepSummary(message.summary ?? null);
    this.config = message.config ?? {};
    this.series = new Map(Object.entries(message.series ?? {}).map(([name, { x, y }]) => [name, { x, y }]));
    this.episodes = message.episodes ?? [];
    this.baselines = message.baselines ?? [];
    this.leads = message.leads ?? {};
    this.milestones = message.milestones ?? [];
    this.alerts = message.alerts ?? [];
    this.events = message.events ?? [];
    this.system = message.system ?? null;
    this.health = message.health ?? null;
    this.samples = message.samples ?? null;
    this.runs = message.runs ?? this.runs;
    this.test = message.summary?.test ?? null;
    return FACTS;
  }

  /** With the moment, by the reader's clock, from which the time left counts. */
  keepSummary(summary) {
    this.summary = summary;
    this.summarySeconds = Date.now() / 1000;
  }

  takeEpisodes({ episodes }) {
    for (const episode of episodes) {
      for (const field of EPISODE_CURVES) {
        const name = `episode/${field}`;
        append(this.curve(name), episode.number, episode[field] ?? null, CLOUDS.includes(name) ? spread : outlined);
      }
    }
    this.episodes = [...this.episodes, ...episodes].slice(-RECENT_EPISODES);
    return ["episodes"];
  }

  /** All points of clouds, instead of those from `initial_data`. */
  takeHistory({ series }) {
    for (const name of CLOUDS) {
      if (name in series) this.series.set(name, spread(series[name]));
    }
    return ["episodes"];
  }

  takePoints({ points }) {
    for (const [name, [x, y]] of Object.entries(points ?? {})) append(this.curve(name), x, y);
  }

  takeMetrics(message) {
    this.takePoints(message);
    this.health = message.health ?? this.health;
    return ["rollouts", "health"];
  }

  takeSystem(message) {
    this.takePoints(message);
    this.system = message.system;
    return ["system"];
  }

  takeValidation(message) {
    this.takePoints(message);
    this.leads = message.leads ?? this.leads;
    this.baselines = message.baselines ?? this.baselines;
    this.samples = message.samples ?? this.samples;
    const { episode, headline } = message.validation;
    if (message.split === "test") this.test = { episode, ...headline };
    return ["validation", "samples"];
  }

  takeMilestone({ milestone }) {
    this.milestones = [...this.milestones, milestone].slice(-LAST_NOTES);
    return ["notes"];
  }

  /** An alert that is known has become worse, or is over. */
  takeAlert({ alert }) {
    const others = this.alerts.filter(({ check, episode }) => check !== alert.check || episode !== alert.episode);
    this.alerts = [...others, alert].slice(-LAST_NOTES);
    return ["notes"];
  }

  takeEvent({ event }) {
    this.events = [...this.events, event].slice(-LAST_NOTES);
    return ["notes"];
  }

  takeRuns(runs) {
    this.runs = runs;
    return ["runs"];
  }

  takeSummary({ summary, runs }) {
    const changed = ["summary", "runs"];
    if (summary.test !== null && this.test === null) changed.push("validation");
    if (summary.episodes_per_minute !== this.summary?.episodes_per_minute) changed.push("pace");
    this.keepSummary(summary);
    this.runs = runs ?? this.runs;
    this.test = summary.test ?? this.test;
    return changed;
  }
}

const HANDLERS = {
  __proto__: null, // a message of the type "constructor" is unknown, too
  initial_data: Store.prototype.takeInitialData,
  episode_metrics: Store.prototype.takeEpisodes,
  metrics_history: Store.prototype.takeHistory,
  metrics_update: Store.prototype.takeMetrics,
  system_metrics: Store.prototype.takeSystem,
  validation_result: Store.prototype.takeValidation,
  milestone_achieved: Store.prototype.takeMilestone,
  qa_alert: Store.prototype.takeAlert,
  training_event: Store.prototype.takeEvent,
  training_summary: Store.prototype.takeSummary,
};
