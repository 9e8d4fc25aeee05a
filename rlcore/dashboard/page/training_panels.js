// Panels over the training's own episodes: rewards, quality, and velocity.

import { clock, count, decimal, duration } from "./format.js";
import { axis, DASHES, EPISODES, level, line, points } from "./plotting.js";

/** The lowest of the lines that quality is held against. */
const LOWEST_SSIM = 0.7;
const AT = "episode %{x:,}<br>";

const last = (series) => series.y.at(-1);

function rewardFigure(store, palette) {
  const [each, mean] = [store.curve("episode/reward"), store.curve("episode/reward_mean")];
  if (each.x.length === 0) return null;
  const end = Math.max(store.config.target_episodes ?? 0, each.x.at(-1));
  return {
    data: [
      points(each, "reward of an episode", palette.training, `${AT}reward %{y:.3f}`),
      line(mean, "mean of 100 episodes", palette.agent, `${AT}mean reward %{y:.3f}`),
    ],
    layout: {
      xaxis: axis(palette, `${EPISODES} (of ${count(end)})`, { range: [0, end] }),
      yaxis: axis(palette, "reward (1 = error halved)"),
    },
  };
}

function timeLeft({ summary, summarySeconds }) {
  if (summary === null) return "";
  const mean = `mean reward ${decimal(summary.reward_mean, 3)}`;
  if (summary.time_left === null) return mean;
  const { seconds, low, high } = summary.time_left;
  const until = clock(summarySeconds + seconds);
  return `ETA ${duration(seconds)} (${duration(low)} – ${duration(high)}), about ${until}; ${mean}`;
}

function qualityFigure(store, palette) {
  const [each, mean] = [store.curve("episode/quality"), store.curve("episode/quality_mean")];
  if (each.x.length === 0) return null;
  const target = store.config.quality_target ?? 0.85;
  return {
    data: [
      points(each, "SSIM of an episode", palette.training, `${AT}SSIM %{y:.4f}`),
      line(mean, "mean of 100 episodes", palette.agent, `${AT}mean SSIM %{y:.4f}`),
    ],
    layout: {
      xaxis: axis(palette, EPISODES, { rangemode: "tozero" }),
      yaxis: axis(palette, "SSIM (1 = identical)", { range: [Math.min(LOWEST_SSIM, ...each.y) - 0.01, 1.01] }),
      shapes: [
        level(LOWEST_SSIM, "0.70", palette.ink, DASHES[1], 1),
        level(0.8, "0.80", palette.ink, DASHES[0], 1),
        level(target, `target ${decimal(target)}`, palette.good, "solid", 2),
      ],
    },
  };
}

function velocityFigure(store, palette) {
  const pace = store.curve("rollout/episodes_per_minute");
  if (pace.x.length === 0) return null;
  const { episodes_per_minute: now, mean_episodes_per_minute: mean } = store.summary ?? {};
  const levels = [];
  if (now) levels.push(level(now, `now: ${decimal(now, 1)}`, palette.agent, DASHES[0], 2));
  if (mean) levels.push(level(mean, `mean: ${decimal(mean, 1)}`, palette.muted, DASHES[1], 2));
  const look = { mode: "lines+markers", marker: { size: 4 }, line: { color: palette.good, width: 1.5 } };
  return {
    data: [line(pace, "by rollout", palette.good, `${AT}%{y:.1f} episodes/min`, look)],
    layout: {
      xaxis: axis(palette, EPISODES, { rangemode: "tozero" }),
      yaxis: axis(palette, "episodes per minute", { rangemode: "tozero" }),
      shapes: levels,
    },
  };
}

function pace({ summary }) {
  if (!summary?.mean_episodes_per_minute) return "";
  const [now, mean] = [summary.episodes_per_minute, summary.mean_episodes_per_minute];
  return `now ${decimal(now, 1)} episodes per minute (last ten rollouts), mean ${decimal(mean, 1)}`;
}

export const reward = { number: 1, facts: ["episodes"], figure: rewardFigure, words: timeLeft };

export const quality = {
  number: 2,
  facts: ["episodes"],
  figure: qualityFigure,
  words: (store) => `mean SSIM of the last 100 episodes ${decimal(last(store.curve("episode/quality_mean")), 4)}`,
};

export const velocity = { number: 9, facts: ["rollouts", "pace"], figure: velocityFigure, words: pace };
