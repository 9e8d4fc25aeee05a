// Panels over held-out logos: gain against the baselines, and the success rate.

import { decimal, percent, several, signed } from "./format.js";
import { axis, band, DASHES, EPISODES, level, line } from "./plotting.js";

const AFTER = "after %{x:,} episodes<br>";

/** Mean and interval of a measured figure. */
function measured(store, name) {
  const [mean, low, high] = ["", "_low", "_high"].map((end) => store.curve(`validation/${name}${end}`));
  return { mean, low, high };
}

/** Band and curve; a single validation has no area, so its interval is a bar. */
function validationTraces({ mean, low, high }, color, hover) {
  if (mean.x.length === 0) return [];
  const look = { mode: "lines+markers", marker: { size: 7 } };
  if (mean.x.length > 1) return [band(low, high, "95 % interval", color), line(mean, "validation", color, hover, look)];
  const bar = { type: "data", symmetric: false, array: [high.y[0] - mean.y[0]], arrayminus: [mean.y[0] - low.y[0]] };
  return [line(mean, "validation, 95 % interval", color, hover, { ...look, error_y: bar })];
}

/** What is shown: the agent and the best baseline. One far below would press all the others into one line. */
function gainRange(values, baselines) {
  const gains = baselines.map(({ gain }) => gain);
  const shown = values.length > 0 ? [...values, Math.max(...gains, Math.min(...values))] : gains;
  const [low, high] = [Math.min(...shown), Math.max(...shown)];
  const room = 0.3 * (high - low) || 0.1;
  return [low - room, high + room];
}

function baselineLevels(baselines, range, palette) {
  return baselines.map(({ searcher, traces, gain }, number) => {
    const beyond = gain < range[0] ? ", below" : gain > range[1] ? ", above" : "";
    const name = `${searcher}, ${several(traces, "trace")}: ${decimal(gain, 3)}${beyond}`;
    return level(gain, name, palette.others[number % palette.others.length], DASHES[number % DASHES.length]);
  });
}

const star = ({ episode, gain }, palette) => ({
  type: "scatter", mode: "markers", name: `test: ${decimal(gain, 3)}`, x: [episode], y: [gain],
  marker: { symbol: "star", size: 15, color: palette.good, line: { color: palette.ink, width: 1 } },
  hovertemplate: "best model on the test logos<br>gain %{y:.3f}<extra></extra>",
});

function gainFigure(store, palette) {
  const gain = measured(store, "gain");
  if (gain.mean.x.length === 0 && store.baselines.length === 0) return null;
  const test = store.test === null ? [] : [star(store.test, palette)];
  const values = [...gain.low.y, ...gain.high.y, ...test.flatMap(({ y }) => y)];
  const range = gainRange(values, store.baselines);
  return {
    data: [...validationTraces(gain, palette.agent, `${AFTER}gain %{y:.3f}`), ...test],
    layout: {
      xaxis: axis(palette, EPISODES, { rangemode: "tozero" }),
      yaxis: axis(palette, "mean gain (1 = error halved)", { range }),
      shapes: baselineLevels(store.baselines, range, palette),
    },
  };
}

/** The best validation, and the lead over the baseline that is hardest to beat. */
function gainWords({ summary, leads }) {
  const best = summary?.best_validation;
  const words = best ? [`best ${decimal(best.gain, 3)} after ${several(best.episode, "episode")}`] : [];
  const [closest] = Object.entries(leads).sort(([, a], [, b]) => a.mean - b.mean);
  if (closest !== undefined) {
    const [name, { mean, low, high }] = closest;
    words.push(`less ${name}: ${signed(mean)} [${signed(low)}, ${signed(high)}]`);
  }
  return words.join("; ");
}

function successFigure(store, palette) {
  const rolling = store.curve("episode/success_mean");
  const rate = measured(store, "success_rate");
  if (rolling.x.length === 0 && rate.mean.x.length === 0) return null;
  const target = store.config.success_rate_threshold;
  return {
    data: [
      line(rolling, "training, last 100 episodes", palette.training, "episode %{x:,}<br>%{y:.1%} successes"),
      ...validationTraces(rate, palette.agent, `${AFTER}%{y:.1%} successes`),
    ],
    layout: {
      xaxis: axis(palette, EPISODES, { rangemode: "tozero" }),
      yaxis: axis(palette, "success rate (%)", { range: [0, 1.02], tickformat: ".0%" }),
      shapes: target == null ? [] : [level(target, `target ${percent(target, 0)}`, palette.good, "solid", 2)],
    },
  };
}

function successWords({ config, summary }) {
  const now = `${percent(summary?.success_mean)} of the last 100 episodes`;
  const threshold = config.ssim_improvement_threshold;
  if (threshold == null) return now;
  const quality = config.quality_target;
  return `${now}; a success: over ${percent(threshold, 0)} of the SSIM error gone, at no more bytes, SSIM ${quality} or more`;
}

export const gain = { number: 3, facts: ["validation"], figure: gainFigure, words: gainWords };
export const success = { number: 4, facts: ["episodes", "validation"], figure: successFigure, words: successWords };
